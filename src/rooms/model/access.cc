#include "rooms/model/access.h"

namespace foyer::rooms {
namespace {

constexpr std::string_view kOwnPrefix = "user:";

Result<void> may_join(JoinBy join, const Standing& standing) {
  switch (join) {
    case JoinBy::anyone: return {};
    case JoinBy::members:
      if (standing.member) return {};
      return refuse(Cause::NOT_A_MEMBER);
    case JoinBy::token:
      if (standing.token) return {};
      return refuse_field(Cause::ROOM_TOKEN_REQUIRED, "token");
    case JoinBy::app:
      if (standing.app_let_in) return {};
      return refuse_field(Cause::NOT_JOINED, "room",
          "the rule of this room has join = app: send `join` first, which asks the application");
    case JoinBy::nobody: break;
  }
  return refuse(Cause::PERMISSION_DENIED, "the rule of this room has join = nobody");
}

} // namespace

Result<void> has_scope(Act act, const Permissions& permissions) {
  switch (act) {
    case Act::read:
      if (permissions.chat_read) return {};
      return refuse(Cause::PERMISSION_DENIED, "requires the scope chat:read");
    case Act::erase:
      if (permissions.admin) return {};
      [[fallthrough]];
    case Act::write:
    case Act::invite:
    case Act::remove:
      if (permissions.chat_write) return {};
      return refuse(Cause::PERMISSION_DENIED, "requires the scope chat:write");
  }
  return refuse(Cause::PERMISSION_DENIED);
}

Result<void> may_list(const Permissions& permissions) {
  if (permissions.chat_read || permissions.chat_write) return {};
  return refuse(Cause::PERMISSION_DENIED, "requires the scope chat:read or chat:write");
}

bool may_be_inside(RoomKind kind, std::string_view room, const UserId& user) {
  return kind != RoomKind::own || (room.starts_with(kOwnPrefix) && room.substr(kOwnPrefix.size()) == user.view());
}

Result<void> may(
    Act act, RoomKind kind, const RoomSettings& settings, const Standing& standing, const Permissions& permissions) {
  TRY_VOID(has_scope(act, permissions));
  const bool about_members = act == Act::invite || act == Act::remove;
  if (!standing.application) {
    TRY_VOID(may_join(settings.join, standing));
    if (act == Act::write && settings.write == WriteBy::server)
      return refuse(Cause::PERMISSION_DENIED, "the rule of this room has write = server");
    if (act == Act::write && settings.write == WriteBy::app && !standing.app_lets_write)
      return refuse(
          Cause::PERMISSION_DENIED, "the rule of this room has write = app, and the application was not asked");
    const bool for_members = about_members || (act == Act::write && settings.write == WriteBy::members);
    if (for_members && !standing.member) return refuse(Cause::NOT_A_MEMBER);
  }
  const bool may_change = kind == RoomKind::private_ || (kind == RoomKind::public_ && has_members(kind, settings));
  if (about_members && !may_change)
    return refuse(Cause::PERMISSION_DENIED, "only private rooms have members that can be added and removed");
  return {};
}

Refusal turned_off(std::string_view setting) {
  return {.cause = Cause::NOT_AVAILABLE,
      .evidence = "the rule of this room has " + std::string(setting) + " = false",
      .next = "Change the rule of the room, or do not use this feature."};
}

Result<void> may_create(const Permissions& permissions) { return has_scope(Act::write, permissions); }

} // namespace foyer::rooms
