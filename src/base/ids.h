// Typed ids: a room's name is not a user's id, and an offset is not a count.
// Conversion is explicit both ways.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace foyer {

template <class Tag>
class StringId {
 public:
  StringId() = default;
  explicit StringId(std::string value) : value_(std::move(value)) {}
  explicit StringId(std::string_view value) : value_(value) {}
  explicit StringId(const char* value) : value_(value) {}
  [[nodiscard]] const std::string& str() const { return value_; }
  [[nodiscard]] std::string_view view() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  friend auto operator<=>(const StringId&, const StringId&) = default;
  friend bool operator==(const StringId&, const StringId&) = default;

 private:
  std::string value_;
};

using UserId = StringId<struct UserIdTag>; // 1 to 128 of [A-Za-z0-9._:@|-]; maybe ~ and 43 of base64url at the end
using SessionId = StringId<struct SessionIdTag>; // opaque
using TokenId = StringId<struct TokenIdTag>;     // a JWT's jti
using RoomName = StringId<struct RoomNameTag>;   // tea, private:x, direct:…, user:ID
using Epoch = StringId<struct EpochTag>;         // names one unbroken history of a room
using ApiKeyId = StringId<struct ApiKeyIdTag>;   // of a key of the server API
using ClientId = StringId<struct ClientIdTag>;   // of a program with a service token (RFC 9068 client_id)
using Ref = StringId<struct RefTag>;             // connects what the client saw with the log

using Offset = std::uint64_t;       // a message's position in its room, from 1; an empty room is at 0
using ConnectionId = std::uint64_t; // unique in a process: loop index in the top byte

struct TransparentStringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  template <class Tag>
  std::size_t operator()(const StringId<Tag>& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};

} // namespace foyer

template <class Tag>
struct std::hash<foyer::StringId<Tag>> {
  std::size_t operator()(const foyer::StringId<Tag>& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};
