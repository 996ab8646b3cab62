#include "rooms/model/access.h"

namespace foyer::rooms {
namespace {

constexpr std::string_view kOwnPrefix = "user:";

} // namespace

Result<void> has_scope(Act act, const Permissions& permissions) {
  switch (act) {
    case Act::read:
      if (permissions.chat_read) return {};
      return refuse(Cause::PERMISSION_DENIED, "needs chat:read");
    case Act::erase:
      if (permissions.admin) return {};
      [[fallthrough]];
    case Act::write:
    case Act::invite:
    case Act::remove:
      if (permissions.chat_write) return {};
      return refuse(Cause::PERMISSION_DENIED, "needs chat:write");
  }
  return refuse(Cause::PERMISSION_DENIED);
}

Result<void> may_list(const Permissions& permissions) {
  if (permissions.chat_read || permissions.chat_write) return {};
  return refuse(Cause::PERMISSION_DENIED, "needs chat:read or chat:write");
}

bool may_be_inside(RoomKind kind, std::string_view room, const UserId& user) {
  return kind != RoomKind::own || (room.starts_with(kOwnPrefix) && room.substr(kOwnPrefix.size()) == user.view());
}

Result<void> may(Act act, RoomKind kind, bool inside, const Permissions& permissions) {
  TRY_VOID(has_scope(act, permissions));
  if (!inside) return refuse(Cause::NOT_A_MEMBER);
  if ((act == Act::invite || act == Act::remove) && kind != RoomKind::private_)
    return refuse(Cause::PERMISSION_DENIED, "only private rooms have members that come and go");
  return {};
}

Result<void> may_create(const Permissions& permissions) { return has_scope(Act::write, permissions); }

} // namespace foyer::rooms
