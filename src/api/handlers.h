// What the methods do. The table (methods.cc) names them.
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

} // namespace foyer::api
