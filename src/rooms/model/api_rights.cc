#include "rooms/model/api_rights.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "rooms/model/room.h"
#include "rooms/model/room_rules.h"

namespace foyer::rooms {
namespace {

constexpr std::array kRoomRights{
    RoomRight::publish, RoomRight::read, RoomRight::rooms, RoomRight::members, RoomRight::moderate};
constexpr std::array kApiRights{ApiRight::users_read, ApiRight::users_write, ApiRight::export_, ApiRight::connections,
    ApiRight::endings, ApiRight::as_user};
constexpr std::string_view kField = "rights";

bool in_pattern(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
      std::string_view{"._-:@|~*"}.find(c) != std::string_view::npos;
}

std::string known() {
  std::string out;
  for (const RoomRight right : kRoomRights)
    out.append(out.empty() ? "" : ", ").append(to_string(right)).append(":ROOM");
  for (const ApiRight right : kApiRights) out.append(", ").append(to_string(right));
  return out;
}

std::unexpected<Refusal> unknown(std::string_view word) {
  return refuse_field(Cause::INVALID_VALUE, std::string(kField),
      "unknown right \"" + printable(word, 80) + "\"; the rights are " + known() +
          ", where ROOM is a room name in which * matches any characters");
}

} // namespace

std::string_view to_string(RoomRight right) {
  switch (right) {
    case RoomRight::publish: return "publish";
    case RoomRight::read: return "read";
    case RoomRight::rooms: return "rooms";
    case RoomRight::members: return "members";
    case RoomRight::moderate: return "moderate";
  }
  return {};
}

std::string_view to_string(ApiRight right) {
  switch (right) {
    case ApiRight::users_read: return "users:read";
    case ApiRight::users_write: return "users:write";
    case ApiRight::export_: return "export";
    case ApiRight::connections: return "connections";
    case ApiRight::endings: return "endings";
    case ApiRight::as_user: return "as_user";
  }
  return {};
}

Result<void> ApiRights::add(const std::string& word) {
  if (word.size() > kRightBytes)
    return refuse_field(
        Cause::INVALID_VALUE, std::string(kField), "a right is longer than " + std::to_string(kRightBytes) + " bytes");
  for (const ApiRight right : kApiRights)
    if (word == to_string(right)) {
      plain_.at(static_cast<std::size_t>(right)) = true;
      return {};
    }
  const std::size_t colon = word.find(':');
  const std::string_view name = std::string_view{word}.substr(0, colon);
  const auto* right = std::ranges::find(kRoomRights, name, [](RoomRight each) { return to_string(each); });
  if (right == kRoomRights.end()) return unknown(word);
  const std::string_view pattern = colon == std::string::npos ? "" : std::string_view{word}.substr(colon + 1);
  if (pattern.empty())
    return refuse_field(Cause::INVALID_VALUE, std::string(kField),
        "the right " + std::string(name) + " needs a pattern of room names, for example " + std::string(name) +
            ":orders-* or " + std::string(name) + ":*");
  if (!std::ranges::all_of(pattern, in_pattern))
    return refuse_field(Cause::INVALID_VALUE, std::string(kField),
        "\"" + printable(pattern, 80) + "\" contains a character that is not allowed in room names");
  in_rooms_.push_back({*right, std::string(pattern)});
  return {};
}

Result<ApiRights> ApiRights::parse(std::span<const std::string> rights) {
  ApiRights out;
  if (rights.size() > kMostRights)
    return refuse_field(
        Cause::INVALID_VALUE, std::string(kField), "more than " + std::to_string(kMostRights) + " rights");
  for (const std::string& word : rights) {
    if (std::ranges::find(out.words_, word) != out.words_.end()) continue;
    TRY_VOID(out.add(word));
    out.words_.push_back(word);
  }
  return out;
}

ApiRights ApiRights::all() {
  ApiRights out;
  out.all_ = true;
  out.plain_.fill(true);
  return out;
}

bool ApiRights::may(RoomRight right, const RoomName& room) const {
  if (all_) return true;
  const auto prefix = reserved_prefix(room.view());
  return std::ranges::any_of(in_rooms_, [&](const InRooms& each) {
    return each.right == right && (!prefix || each.pattern.starts_with(*prefix)) && matches(each.pattern, room.view());
  });
}

bool ApiRights::may_somewhere(RoomRight right) const {
  return all_ || std::ranges::find(in_rooms_, right, &InRooms::right) != in_rooms_.end();
}

Result<void> ApiRights::check(RoomRight right, const RoomName& room) const {
  if (may(right, room)) return {};
  return refuse_field(
      Cause::PERMISSION_DENIED, "needs", std::string(to_string(right)) + ":" + printable(room.view(), 200));
}

Result<void> ApiRights::check(ApiRight right) const {
  if (may(right)) return {};
  return refuse_field(Cause::PERMISSION_DENIED, "needs", std::string(to_string(right)));
}

} // namespace foyer::rooms
