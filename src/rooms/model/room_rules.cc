#include "rooms/model/room_rules.h"

#include <algorithm>
#include <array>

namespace foyer::rooms {
namespace {

constexpr std::array<std::string_view, 3> kReserved{"private:", "direct:", "user:"};
constexpr std::array<std::pair<JoinBy, std::string_view>, 5> kJoin{{
    {JoinBy::anyone, "anyone"},
    {JoinBy::members, "members"},
    {JoinBy::token, "token"},
    {JoinBy::app, "app"},
    {JoinBy::nobody, "nobody"},
}};
constexpr std::array<std::pair<WriteBy, std::string_view>, 4> kWrite{{
    {WriteBy::anyone, "anyone"},
    {WriteBy::members, "members"},
    {WriteBy::app, "app"},
    {WriteBy::server, "server"},
}};

template <class List, class E>
std::string_view word_of(const List& list, E value) {
  return std::ranges::find(list, value, [](const auto& pair) { return pair.first; })->second;
}

template <class E, class List>
std::optional<E> value_of(const List& list, std::string_view word) {
  const auto found = std::ranges::find(list, word, [](const auto& pair) { return pair.second; });
  return found == list.end() ? std::nullopt : std::optional<E>(found->first);
}

} // namespace

std::string_view to_string(JoinBy join) { return word_of(kJoin, join); }
std::string_view to_string(WriteBy write) { return word_of(kWrite, write); }
std::optional<JoinBy> join_by(std::string_view word) { return value_of<JoinBy>(kJoin, word); }
std::optional<WriteBy> write_by(std::string_view word) { return value_of<WriteBy>(kWrite, word); }

bool matches(std::string_view pattern, std::string_view text) {
  // On a mismatch, goes back to the last star and lets it match one more character: no recursion, and at most
  // pattern * text steps.
  std::size_t p = 0, t = 0, star = std::string_view::npos, under = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      under = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++under;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<std::string_view> reserved_prefix(std::string_view text) {
  for (const std::string_view prefix : kReserved)
    if (text.starts_with(prefix)) return prefix;
  return std::nullopt;
}

bool reaches(std::string_view pattern, std::string_view room) {
  const auto prefix = reserved_prefix(room);
  return (!prefix || pattern.starts_with(*prefix)) && matches(pattern, room);
}

const RoomRule* RoomRules::rule_of(std::string_view room) const {
  const auto found = std::ranges::find_if(rules_, [&](const RoomRule& rule) { return reaches(rule.match, room); });
  return found == rules_.end() ? nullptr : &*found;
}

bool RoomRules::durable(std::string_view room) const {
  const RoomRule* rule = rule_of(room);
  if (rule != nullptr && rule->durable) return *rule->durable;
  return std::ranges::none_of(not_durable_, [&](const std::string& pattern) { return matches(pattern, room); });
}

RoomSettings RoomRules::of(std::string_view room) const {
  RoomSettings out;
  const auto prefix = reserved_prefix(room);
  if (prefix) out.join = JoinBy::members;
  out.durable = durable(room);
  const RoomRule* rule = rule_of(room);
  if (rule == nullptr) return out;
  const bool only_members = prefix && *prefix != "private:"; // rules cannot open direct and own rooms to others
  if (rule->join && (!only_members || *rule->join == JoinBy::nobody)) out.join = *rule->join;
  if (rule->write) out.write = *rule->write;
  if (rule->presence) out.presence = *rule->presence;
  out.join_events = out.presence && rule->join_events.value_or(true);
  if (rule->typing) out.typing = *rule->typing;
  out.history_messages = rule->history_messages;
  out.history_days = rule->history_days;
  return out;
}

} // namespace foyer::rooms
