// The `data` of webhook events, as JSON text. Numbers above 2^53 are strings, because JavaScript would round them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/values.h"

namespace foyer::engine {

// {"room":…,"epoch":…,"offset":…,"user":{"id":…,"name":…},"message":…,"key":…}; `name` empty: absent. A message
// that carries JSON has it as "data", in place of "message".
[[nodiscard]] std::string published_data(const AppendRequest& message, std::string_view epoch, Offset offset);
// {"room":…,"epoch":…,"offset":…,"by":…}; `by`: who deleted it.
[[nodiscard]] std::string deleted_data(std::string_view room, std::string_view epoch, Offset offset, const UserId& by);
// Of an event `message.published` that is not sent yet when its message is deleted: without its text.
[[nodiscard]] std::string erased_data(
    std::string_view room, std::string_view epoch, Offset offset, const UserId& author);
// {"room":…,"kind":"private","user":…}; `user` empty: absent.
[[nodiscard]] std::string room_data(std::string_view room, RoomKind kind, std::string_view user = {});
// {"room":…,"user":…}
[[nodiscard]] std::string member_data(std::string_view room, const UserId& user);
// {"user":…,"until":…}; `until`: when the block ends by itself, else absent.
[[nodiscard]] std::string blocked_data(std::string_view user, std::optional<WallTime> until);

} // namespace foyer::engine
