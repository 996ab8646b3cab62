// Rate and count limits per network address: handshakes, refusals, sockets that
// have no answer yet, open sockets.
//
// Two levels. An address has a row of its own in a bounded table; an IPv6 client
// is its /64, which is what one customer is given. The network around it (an
// IPv6 /48, an IPv4 /24) has a share of a fixed array, chosen by a keyed hash, and
// may use 16 times what an address may.
//
//   2001:db8:1:1::/64 ── row ─┐
//   2001:db8:1:2::/64 ── row ─┼── 2001:db8:1::/48   (one of 4,096 counts)
//   2001:db8:1:3::/64 ── ·  ──┘   · no row was free
//
// When the table is full, a new address gets no row and is limited by its network, which
// may then use no more than one address: a client that fills the table with a /48 of 65,536
// networks locks out that /48 and nobody else.
//
// Rates use a sliding window: the count of the previous window is weighted by the share
// of it that still counts. Thread safe; not on the path of a
// message. Time is passed in.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "admission/permit.h"
#include "admission/policy.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/refusal.h"

namespace foyer::admission {

class AddressLimits {
 public:
  static constexpr std::uint32_t kNetworkShare = 16;
  static constexpr std::size_t kNetworks = 4'096;

  explicit AddressLimits(AddressPolicy policy);

  // The first check of each handshake, before any signature is verified; counts it.
  // ADDRESS_RATE_LIMIT with retry_after when this address had too many
  // handshakes, or too many refusals. A handshake refused here is not counted.
  [[nodiscard]] std::optional<Refusal> handshake(std::string_view address, MonoTime now);
  // Counts a refusal against the address. Only the client's own faults
  // count: not our overload, not an unavailable auth service.
  void refused(std::string_view address, Cause cause, MonoTime now);
  // HANDSHAKE_LIMIT when too many sockets of this address wait for their answer.
  [[nodiscard]] Result<Permit> arrive(std::string_view address, MonoTime now);
  // ADDRESS_LIMIT when too many sockets of this address are open.
  [[nodiscard]] Result<Permit> connect(std::string_view address, MonoTime now);

  [[nodiscard]] std::size_t rows() const;
  // The table as `table_name`, the limits under the names of their options. Once, before the first check.
  void report_to(Metrics& metrics, std::string_view table_name);
  void report_handshakes_to(Metrics& metrics); // for a table without other limits

 private:
  struct Rate {
    std::int64_t window = -1; // number of the window that `current` counts
    std::uint32_t current = 0;
    std::uint32_t previous = 0;
  };
  struct Row {
    Row* network = nullptr; // null: this is a network's row
    Rate handshakes;
    Rate refusals;
    std::uint32_t open = 0;
    std::uint32_t arriving = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, Row> rows; // a row in use is never dropped
    std::array<Row, kNetworks / 16> networks{};
    MonoTime swept{};
  };
  static constexpr std::size_t kShards = 16;
  enum Limited : std::uint8_t { kHandshakes, kRefusals, kConnections, kArriving, kLimited };
  using Count = std::uint32_t Row::*;

  struct Place {
    Shard& shard;
    std::uint64_t key;
    std::size_t network;
  };
  [[nodiscard]] Place place_of(std::string_view address);
  [[nodiscard]] Row& row(const Place& place, MonoTime now); // its own, or its network's
  // How much of `limit` is open to `row` when `first` is the row of the address.
  [[nodiscard]] static std::uint64_t share(const Row& row, const Row& first, std::uint32_t limit) {
    return std::uint64_t{limit} * (&row == &first ? 1 : kNetworkShare);
  }
  void roll(Rate& rate, MonoTime now) const;
  [[nodiscard]] std::optional<Millis> wait(Rate& rate, std::uint64_t limit, MonoTime now) const;
  [[nodiscard]] std::optional<Refusal> over_rate(
      Row& first, Rate Row::* rate, std::uint32_t limit, std::string_view name, MonoTime now) const;
  [[nodiscard]] Result<Permit> hold(std::string_view address, Count count, std::uint32_t limit, Cause cause,
      std::string_view name, Limited which, MonoTime now);
  template <Count kCount>
  [[nodiscard]] static Permit held(Shard& shard, Row& first);
  void count_refusal(Limited which) const;

  AddressPolicy policy_;
  std::size_t rows_per_shard_;
  std::unique_ptr<std::array<Shard, kShards>> shards_;
  std::array<Counter*, kLimited> refused_{};
  Counter* strangers_ = nullptr;
};

// Which row an address belongs to. Exposed for tests.
[[nodiscard]] std::uint64_t address_key(std::string_view address);

} // namespace foyer::admission
