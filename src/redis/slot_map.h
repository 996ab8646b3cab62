// Which primary of a cluster has which slots, as its nodes say it. Pure.
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/endpoint.h"
#include "redis/reply.h"
#include "redis/slots.h"

namespace foyer::redis {

inline constexpr std::size_t kMostPrimaries = 1'000;

class SlotMap {
 public:
  SlotMap() { of_.fill(kNone); }

  // Null: nobody has it.
  [[nodiscard]] const Endpoint* at(Slot slot) const { return of_.at(slot) == kNone ? nullptr : &primaries_[of_[slot]]; }
  [[nodiscard]] const std::vector<Endpoint>& primaries() const { return primaries_; } // with a slot or without
  [[nodiscard]] const std::vector<Endpoint>& replicas() const { return replicas_; }
  [[nodiscard]] std::size_t covered() const; // slots that somebody has
  // The lowest slot of each primary that has any: by it a key is put on that node.
  [[nodiscard]] std::vector<Slot> lowest() const;

  void set(Slot slot, const Endpoint& primary); // at most kMostPrimaries different ones; others are ignored
  void add_replica(const Endpoint& replica);
  friend bool operator==(const SlotMap&, const SlotMap&) = default;

 private:
  static constexpr std::uint16_t kNone = 0xffff;
  std::vector<Endpoint> primaries_, replicas_;
  std::array<std::uint16_t, kSlots> of_{};
};

// Of the reply to CLUSTER SLOTS. A node without a host is the one that was asked. Otherwise a clause.
[[nodiscard]] std::expected<SlotMap, std::string> read_slots(const Reply& reply, const Endpoint& asked);

struct ClusterState {
  bool ok = false;         // cluster_state
  std::uint64_t epoch = 0; // cluster_current_epoch
};
// Of the text of CLUSTER INFO. Nothing: it is none.
[[nodiscard]] std::optional<ClusterState> read_cluster_info(std::string_view text);

} // namespace foyer::redis
