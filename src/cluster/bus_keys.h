// What lies on a bus: its keys by kind, how many have no end (there must be none), and about how much memory they take.
//
// Keys are found in steps (SCAN), so the server goes on with its other work, and one that comes or goes meanwhile may
// be counted or not, or twice.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "redis/connection.h"

namespace foyer::cluster {

inline constexpr std::size_t kMostBusKeys = 10'000'000; // that are looked at, unless somebody asks for more or fewer
inline constexpr std::size_t kKeysAtOnce = 1'000;       // of one step
inline constexpr std::size_t kSizedEach = 50;           // every one of so many keys of a kind is measured
inline constexpr std::size_t kEndlessNamed = 10;        // keys without an end that are named

// What a key is for. `name` is without the prefix of all keys (engine::BusNames).
[[nodiscard]] std::string_view kind_of_key(std::string_view name);

struct KeysOfKind {
  std::uint64_t keys = 0;
  std::uint64_t endless = 0; // without an end
  std::uint64_t sized = 0, sized_bytes = 0;
  // Of all, as the measured ones suggest; nothing: none could be measured.
  [[nodiscard]] std::optional<std::uint64_t> bytes() const {
    if (sized == 0) return std::nullopt;
    return sized_bytes * keys / sized;
  }
};
struct BusKeys {
  std::map<std::string, KeysOfKind, std::less<>> kinds = {};
  std::vector<std::string> endless = {}; // some, as they are named on the server
  bool all = true;                       // false: there are more than `most`
  [[nodiscard]] std::uint64_t total() const;
  void add(BusKeys other); // of another shard
};

struct BusKeysOptions {
  std::string prefix; // of all keys
  std::size_t most = kMostBusKeys;
  std::function<void(std::uint64_t)> progress = {}; // after each step: keys so far
};
// Blocks. BUS_UNREACHABLE, BUS_REFUSED.
[[nodiscard]] Result<BusKeys> count_bus_keys(redis::Connection& connection, const BusKeysOptions& options);

} // namespace foyer::cluster
