// What the members of a database say of each other: whom each of them does not hear over the bus. In each round of the
// tail this node writes what it says and reads what the others say, so a node whose bus is deaf learns whether the
// others are. PostgreSQL only.
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
  // On the tail's thread.
  std::function<std::vector<std::string>()> unheard = {};     // what this node says
  std::function<void(std::vector<MemberReport>)> others = {}; // the other living members
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
