// How many, and how fast: the counts that are asked when a socket is opened.
//
// Three kinds: per network address (handshakes, refusals, open sockets), per user
// (open sockets), and for the whole process. What is held is held by a Pass and
// given back when the Pass ends. All are thread safe, none is asked on the way of
// a message. Time is handed in.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::gateway {

// Gives back, once, what was taken. Movable; empty after a move.
class Pass {
 public:
  Pass() = default;
  explicit Pass(std::move_only_function<void()> give_back) : give_back_(std::move(give_back)) {}
  Pass(Pass&& other) noexcept : give_back_(std::exchange(other.give_back_, nullptr)) {}
  Pass& operator=(Pass&& other) noexcept {
    if (this != &other) {
      release();
      give_back_ = std::exchange(other.give_back_, nullptr);
    }
    return *this;
  }
  ~Pass() { release(); }
  void release() {
    if (auto give_back = std::exchange(give_back_, nullptr)) give_back();
  }
  explicit operator bool() const { return static_cast<bool>(give_back_); }

 private:
  std::move_only_function<void()> give_back_;
};

struct AddressPolicy {
  std::uint32_t handshakes = 1000;     // per `window`
  std::uint32_t refusals = 300;        // per `window`
  Millis window{10'000};
  std::uint32_t connections = 10'000;  // open at once
  std::size_t table_size = 65'536;     // addresses known at once
};

// One row per network address; an IPv6 client is its /64, since that is what one
// customer is given. Rates are a sliding window: the count of the window before
// weighs in by the share of it that is still in sight.
//
// A full table knows nobody new: a stranger is refused, whoever has a row is served.
class AddressLimits {
 public:
  explicit AddressLimits(AddressPolicy policy);

  // Asked first for each handshake, before any signature is checked; counts it.
  // ADDRESS_RATE_LIMIT with retry_after when this address had too many
  // handshakes, or too many refusals. What is refused here is not counted.
  [[nodiscard]] std::optional<Refusal> handshake(std::string_view address, MonoTime now);
  // Counts a refusal against the address. Only what the client has to answer for
  // counts: not our own overload, not an auth service that is away.
  void refused(std::string_view address, Cause cause, MonoTime now);
  // ADDRESS_LIMIT when too many sockets of this address are open.
  [[nodiscard]] Result<Pass> connect(std::string_view address, MonoTime now);

  [[nodiscard]] std::size_t rows() const;

 private:
  struct Rate {
    std::int64_t window = -1; // number of the window that `current` counts
    std::uint32_t current = 0;
    std::uint32_t previous = 0;
  };
  struct Row {
    Rate handshakes;
    Rate refusals;
    std::uint32_t open = 0;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, Row> rows;
    MonoTime swept{};
  };
  static constexpr std::size_t kShards = 16;

  Shard& shard_of(std::uint64_t key);
  Row* row(Shard& shard, std::uint64_t key, MonoTime now); // null: the table is full
  void roll(Rate& rate, MonoTime now) const;
  [[nodiscard]] std::optional<Millis> wait(Rate& rate, std::uint32_t limit, MonoTime now) const;
  void disconnect(std::uint64_t key);

  AddressPolicy policy_;
  std::size_t rows_per_shard_;
  std::array<Shard, kShards> shards_;
};

// Which row an address belongs to. Exposed for tests.
[[nodiscard]] std::uint64_t address_key(std::string_view address);

// Open sockets per user.
class UserConnections {
 public:
  explicit UserConnections(std::uint32_t limit) : limit_(limit) {}
  [[nodiscard]] Result<Pass> connect(const UserId& user); // USER_CONNECTION_LIMIT
  [[nodiscard]] std::uint32_t open(const UserId& user) const;

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<UserId, std::uint32_t> open;
  };
  [[nodiscard]] Shard& shard_of(const UserId& user) const;

  std::uint32_t limit_;
  mutable std::array<Shard, kShards> shards_;
};

struct ConnectionPolicy {
  std::uint32_t connections = 100'000;   // sockets open at once, whatever they are
  std::uint32_t pending = 1'000;         // upgraded and not yet authenticated
  std::uint32_t refusal_upgrades = 1'000; // upgraded only to be told why not
  std::uint32_t connects_per_s = 2'000;  // handshakes of the whole process, with bursts of as many
};

// A count with a ceiling, without a lock.
class CountingLimit {
 public:
  explicit CountingLimit(std::uint32_t limit) : limit_(limit) {}
  [[nodiscard]] std::optional<Pass> take();
  [[nodiscard]] std::uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  std::uint32_t limit_;
  std::atomic<std::uint32_t> taken_{0};
};

class ConnectionGauges {
 public:
  explicit ConnectionGauges(const ConnectionPolicy& policy);

  [[nodiscard]] std::optional<Refusal> handshake(MonoTime now); // CONNECT_RATE_LIMIT with retry_after; counts
  [[nodiscard]] Result<Pass> connection();                      // CONNECTION_LIMIT
  [[nodiscard]] Result<Pass> pending();                         // PENDING_LIMIT
  [[nodiscard]] std::optional<Pass> refusal_upgrade();          // nullopt: answer over HTTP instead

  [[nodiscard]] std::uint32_t connections() const { return connections_.taken(); }
  [[nodiscard]] std::uint32_t pendings() const { return pending_.taken(); }
  [[nodiscard]] std::uint32_t refusal_upgrades() const { return refusal_upgrades_.taken(); }

 private:
  CountingLimit connections_;
  CountingLimit pending_;
  CountingLimit refusal_upgrades_;
  std::chrono::nanoseconds interval_;     // between two handshakes at the full rate
  std::atomic<std::int64_t> next_{0};     // when the next one is due, in ns; runs at most 1 s ahead of now
};

} // namespace foyer::gateway
