#include "config/preflight_rooms.h"

#include <fmt/format.h>

#include <utility>

#include "config/entries.h"

namespace foyer::config {
namespace {

// Whether there may be a room that the rule is for.
bool reaches_any(std::string_view pattern) {
  if (pattern.find('~') != std::string_view::npos) return true; // part of an id that is not made up here
  for (const std::string_view under : {"", "x"}) {
    std::string name;
    for (const char c : pattern)
      if (c == '*')
        name += under;
      else
        name += c;
    if (rooms::kind_of(name) && rooms::reaches(pattern, name)) return true;
  }
  return false;
}

class RoomChecks {
 public:
  explicit RoomChecks(const Loaded& loaded) : loaded_(loaded), rules_(loaded.config.room_rules) {}

  std::vector<Finding> run() {
    for (at_ = 0; at_ < rules_.size(); ++at_) {
      possible();
      reserved();
      combined();
      reached();
    }
    return std::move(found_);
  }

 private:
  [[nodiscard]] const rooms::RoomRule& rule() const { return rules_[at_]; }
  Finding& report(std::string_view field, std::string_view what, std::string fix) {
    found_.push_back(finding_about_entry(loaded_, Cause::INVALID_VALUE, *find_option("rooms"), at_, field,
        fmt::format("{}: {}", entry_name(kRooms, loaded_.config, at_), what), std::move(fix)));
    return found_.back();
  }

  void possible() {
    const std::string& match = rule().match;
    if (match.empty()) return; // reported already
    if (!reaches_any(match)) {
      report("match", "no room has such a name.",
          "See docs/protocol.md for the names of rooms; private:, direct: and user: are in lower case.");
      return;
    }
    for (const std::string stem : {"private", "direct", "user"})
      if (match.starts_with(stem + "*"))
        report("match", fmt::format("it reaches no {} rooms.", stem == "user" ? "own" : stem),
            fmt::format("Write {}:* for those.", stem))
            .severity = Severity::warning;
  }
  void reserved() {
    const auto prefix = rooms::reserved_prefix(rule().match);
    if (!prefix || *prefix == "private:" || !rule().join || *rule().join == rooms::JoinBy::members) return;
    report(
        "join", "direct and own rooms are open to their users, and to nobody else.", "Remove join, or write members.");
  }
  // Values that would have no effect.
  void combined() {
    if (rule().durable == false && rule().history_days)
      report("history_days", "rooms that are not durable keep messages by number, not by age.",
          "Remove history_days, or use history_messages.");
    if (rule().presence == false && rule().join_events == true)
      report("join_events", "who comes and goes tells who is there, which presence = false hides.",
          "Remove join_events, or presence.");
    if (rule().write && *rule().write != rooms::WriteBy::server && rule().join == rooms::JoinBy::nobody)
      report("write", "nobody may join, so no client may write.", "Remove write, or write server.");
  }
  // The first rule that matches counts.
  void reached() {
    for (std::size_t i = 0; i < at_; ++i) {
      if (rule().match.empty() || !rooms::reaches(rules_[i].match, rule().match)) continue;
      report("match", fmt::format("never used: all its rooms match {}, above.", entry_name(kRooms, loaded_.config, i)),
          "Write the narrower pattern first.")
          .severity = Severity::warning;
      return;
    }
  }

  const Loaded& loaded_;
  const std::vector<rooms::RoomRule>& rules_;
  std::size_t at_ = 0;
  std::vector<Finding> found_;
};

} // namespace

std::vector<Finding> room_findings(const Loaded& loaded) { return RoomChecks(loaded).run(); }

} // namespace foyer::config
