// The settings of a room by its name: a list of rules with a pattern each; the first that applies counts.
//
//   orders-*      join=token  write=server
//   private:*     durable=false
//
// A pattern is a room name in which `*` matches any characters. It applies to private, direct and own rooms only if it
// begins with their prefix, so that a rule for `*` opens none of them. A setting that the rule leaves out has its
// default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rooms/model/room.h"

namespace foyer::rooms {

// Who may join a room and read it.
enum class JoinBy : std::uint8_t {
  anyone,  // everybody with the scope
  members, // members of the room; in an own room, its user
  token,   // users with a token that names the room
  app,     // users whom the application, when asked, lets in
  nobody,  // no client
};
// Which of the users who may join may write.
enum class WriteBy : std::uint8_t {
  anyone,
  members,
  app,    // the application is asked about each message
  server, // only the server API
};
[[nodiscard]] std::string_view to_string(JoinBy join);
[[nodiscard]] std::string_view to_string(WriteBy write);
[[nodiscard]] std::optional<JoinBy> join_by(std::string_view word);
[[nodiscard]] std::optional<WriteBy> write_by(std::string_view word);

struct RoomRule {
  std::string match;
  std::optional<JoinBy> join = {};
  std::optional<WriteBy> write = {};
  std::optional<bool> durable = {};
  std::optional<std::uint64_t> history_messages = {}; // 0: none are kept
  std::optional<std::uint64_t> history_days = {};     // 0: messages are never deleted because of their age
  std::optional<bool> presence = {};                  // whether clients can see who is in the room
  std::optional<bool> join_events = {};               // whether clients get member_joined and member_left
  std::optional<bool> typing = {};
};

// The settings of one room.
struct RoomSettings {
  JoinBy join = JoinBy::anyone;
  WriteBy write = WriteBy::anyone;
  bool durable = true;
  bool presence = true;
  bool join_events = true;
  bool typing = true;
  // nullopt: as in the policy of the store, or of rooms in memory.
  std::optional<std::uint64_t> history_messages = {};
  std::optional<std::uint64_t> history_days = {};
  [[nodiscard]] bool keeps_history() const { return history_messages != 0U; }
};

// `*` matches any number of characters, also none; other characters match themselves.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
// `private:`, `direct:` or `user:`, if the text begins with one.
[[nodiscard]] std::optional<std::string_view> reserved_prefix(std::string_view text);
// Whether a pattern applies to a room, as described above.
[[nodiscard]] bool reaches(std::string_view pattern, std::string_view room);

class RoomRules {
 public:
  RoomRules() = default;
  // `not_durable`: patterns of rooms that are not durable unless their rule says otherwise. They apply to every kind of
  // room.
  explicit RoomRules(std::vector<RoomRule> rules, std::vector<std::string> not_durable = {})
      : rules_(std::move(rules)),
        not_durable_(std::move(not_durable)) {}

  [[nodiscard]] const RoomRule* rule_of(std::string_view room) const; // null: none
  [[nodiscard]] RoomSettings of(std::string_view room) const;
  [[nodiscard]] bool durable(std::string_view room) const;
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  [[nodiscard]] const std::vector<RoomRule>& all() const { return rules_; }

 private:
  std::vector<RoomRule> rules_;
  std::vector<std::string> not_durable_;
};

} // namespace foyer::rooms
