// What the methods do. The table (methods_….cc) names them.
#pragma once

#include "api/call.h"

namespace foyer::api {

void publish(const Context& context, Call call);
void broadcast(const Context& context, Call call);
void history(const Context& context, Call call);
void presence(const Context& context, Call call);
void presence_stats(const Context& context, Call call);
void channels(const Context& context, Call call);
void info(const Context& context, Call call);

void history_remove(const Context& context, Call call);
void message_delete(const Context& context, Call call);
void rooms_of_server(const Context& context, Call call); // rooms
void room_create(const Context& context, Call call);
void room_delete(const Context& context, Call call);
void room_members(const Context& context, Call call);
void member_add(const Context& context, Call call);
void member_remove(const Context& context, Call call);
void user_upsert(const Context& context, Call call);
void user_forget(const Context& context, Call call);
[[nodiscard]] Result<std::shared_ptr<BodySource>> user_export(
    const Context& context, const Caller& caller, const Arguments& arguments);

void block_user(const Context& context, Call call);
void unblock_user(const Context& context, Call call);
void revoke_token(const Context& context, Call call);
void invalidate_user_tokens(const Context& context, Call call);

void connections(const Context& context, Call call);
void get_user_status(const Context& context, Call call);
void disconnect(const Context& context, Call call);
void subscribe(const Context& context, Call call);
void unsubscribe(const Context& context, Call call);
void refresh(const Context& context, Call call);

} // namespace foyer::api
