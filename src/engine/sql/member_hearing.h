// What the members of a database say: whom each of them does not hear over the bus, and what else an operator wants to
// know of it (members_seen.h). In each round of the tail this node writes what it says and reads what the others say,
// so a node whose bus is deaf learns whether the others are, and everybody sees when its tail last read. PostgreSQL
// only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/sql/node_tail.h"

namespace foyer::engine {

struct MemberReport {
  std::string node;
  std::optional<std::vector<std::string>> unheard = {}; // nothing: it said nothing lately
};

struct MemberHearingOptions {
  std::string node; // this one
  Millis tick{1'000};
  // On the tail's thread. Empty functions: there is no bus.
  std::function<std::vector<std::string>()> unheard = {};     // what this node says
  std::function<std::string()> trouble = {};                  // the code of what is wrong with the bus; empty: nothing
  std::function<Millis()> held_open = {};                     // NodeTail::held_open
  std::function<void(std::vector<MemberReport>)> others = {}; // the other living members
  std::function<void(std::size_t)> alive = {};                // how many live, this one among them
};

class MemberHearing final : public TailSource {
 public:
  explicit MemberHearing(MemberHearingOptions options) : options_(std::move(options)) {}

  void began_anew() override {}
  [[nodiscard]] Result<void> read(store::Database& db, MonoTime now) override;

 private:
  const MemberHearingOptions options_;
  MonoTime next_{};
};

} // namespace foyer::engine
