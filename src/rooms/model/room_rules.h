// What holds in a room, by its name: rules with a pattern each, of which the first that matches counts.
//
//   orders-*      join=token  write=server
//   private:*     durable=false
//
// A pattern is a room's name in which `*` stands for anything. It reaches private, direct and own rooms only if it
// begins with their prefix, so that a rule for `*` opens none of them. What a rule leaves out is as without rules.
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
  members, // of the room; the user itself, in its own room
  token,   // whoever has a token that names the room
  app,     // whoever the application lets in, which is asked
  nobody,  // no client
};
// Who may write, of those who may join.
enum class WriteBy : std::uint8_t {
  anyone,
  members,
  app,    // whoever the application lets, which is asked about each message
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
  std::optional<std::uint64_t> history_days = {};     // 0: messages are never deleted for their age
  std::optional<bool> presence = {};                  // whether clients learn who is in the room
  std::optional<bool> join_events = {};               // whether they are told who comes and goes
  std::optional<bool> typing = {};
};

// What holds in one room.
struct RoomSettings {
  JoinBy join = JoinBy::anyone;
  WriteBy write = WriteBy::anyone;
  bool durable = true;
  bool presence = true;
  bool join_events = true;
  bool typing = true;
  // Without a value: as the store's or the memory's own policy says.
  std::optional<std::uint64_t> history_messages = {};
  std::optional<std::uint64_t> history_days = {};
  [[nodiscard]] bool keeps_history() const { return history_messages != 0U; }
};

// `*` matches any characters, or none; other characters match themselves.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
// `private:`, `direct:` or `user:`, if the text begins with one.
[[nodiscard]] std::optional<std::string_view> reserved_prefix(std::string_view text);
// Whether a rule's pattern applies to a room; see above.
[[nodiscard]] bool reaches(std::string_view pattern, std::string_view room);

class RoomRules {
 public:
  RoomRules() = default;
  // `not_durable`: patterns for rooms whose rule says nothing about it. They reach every kind of room.
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
