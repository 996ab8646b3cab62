// What the operator API can read about a running gateway: the recent refusals
// and a few counts. Thread safe; no connection, no loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/refusal.h"

namespace foyer::observe {

struct RefusalRecord {
  Ref ref;
  Refusal refusal;
  WallTime time{};
  std::string user; // empty: not established
  std::string address;
  std::string origin; // empty: none was sent
  std::string path;
  StepTimes times = {};
  std::uint64_t count = 1; // equal (code, address) within 1 s are counted, not repeated
};

struct RefusalFilter {
  std::optional<Ref> ref = {};
  std::optional<Cause> cause = {};
  std::size_t limit = 100; // at most 1,000
};

class GatewayInfo {
 public:
  virtual ~GatewayInfo() = default;
  [[nodiscard]] virtual std::vector<RefusalRecord> refusals(const RefusalFilter& filter) const = 0; // newest first
  [[nodiscard]] virtual std::uint64_t connections() const = 0; // sockets admitted and open
  [[nodiscard]] virtual std::uint64_t users() const = 0;       // who have such a socket
  [[nodiscard]] virtual bool draining() const = 0;
  [[nodiscard]] virtual bool loops_turn() const = 0; // every loop finished a turn within the last 5 s
};

} // namespace foyer::observe
