// Counts and rates: the limits of the process and of each user, checked
// when a socket is opened or a request is handed on. (Per network address:
// address_limits.h. Per connection: protocol/budget.h.)
//
// A Permit holds what was taken and returns it in its destructor. All are thread
// safe, none is on the path of a message. Time is passed in. Every name, default,
// metric and code is in docs/limits.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "admission/permit.h"
#include "admission/policy.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "base/refusal.h"
#include "base/text_table.h"

namespace foyer::admission {

// The connections of users at other nodes. Thread safe.
class OtherConnections {
 public:
  virtual ~OtherConnections() = default;
  // Both are called under a lock: they must be short and not ask back.
  [[nodiscard]] virtual std::uint32_t open(const UserId& user) = 0;
  virtual void changed(const UserId& user, std::uint32_t here) = 0;
};

// Open sockets per user.
class UserConnections {
 public:
  explicit UserConnections(std::uint32_t limit) : limit_(limit) {}
  [[nodiscard]] Result<Permit> connect(const UserId& user); // USER_CONNECTION_LIMIT
  [[nodiscard]] std::uint32_t open(const UserId& user) const;
  [[nodiscard]] std::size_t users() const;                           // who have a connection
  [[nodiscard]] std::vector<UserId> with(std::uint32_t least) const; // who have so many
  // The limit holds for these, too. Once, before the first use; it outlives all permits.
  void count_with(OtherConnections& others);
  void report_to(Metrics& metrics); // once, before the first use
  // Called when a user has the first socket (true), and none any more, on any thread and under a lock: it must be short
  // and not ask back. Once, before the first use.
  void watch(const std::function<void(const UserId&, bool)>& watch);

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    TextTable<std::uint32_t> open; // never more rows than sockets
    std::function<void(const UserId&, bool)> watch;
    OtherConnections* others = nullptr; // null: there is one node
  };
  [[nodiscard]] Shard& shard_of(const UserId& user) const;

  std::uint32_t limit_;
  mutable std::array<Shard, kShards> shards_;
  Counter* refused_ = nullptr;
};

// A count with a ceiling, without a lock.
class CountingLimit {
 public:
  CountingLimit(std::string_view name, std::uint32_t limit) : name_(name), limit_(limit) {}
  [[nodiscard]] std::optional<Permit> take();
  [[nodiscard]] std::uint32_t taken() const { return taken_->load(std::memory_order_relaxed); }
  [[nodiscard]] bool full() const { return taken() >= limit_; }
  // "request_queue=1024": for evidence.
  [[nodiscard]] std::string text() const;
  void report_to(Metrics& metrics); // once, before the first use

 private:
  std::string_view name_; // of the option
  std::uint32_t limit_;
  std::shared_ptr<std::atomic<std::uint32_t>> taken_ =
      std::make_shared<std::atomic<std::uint32_t>>(0); // shared: a permit may outlive the limit
  Counter* refused_ = nullptr;
};

class ConnectionLimits {
 public:
  explicit ConnectionLimits(const ConnectionPolicy& policy);

  [[nodiscard]] std::optional<Refusal> handshake(MonoTime now);   // CONNECT_RATE_LIMIT with retry_after; counts
  [[nodiscard]] Result<Permit> connection();                      // CONNECTION_LIMIT
  [[nodiscard]] bool full() const { return connections_.full(); } // connection() would refuse
  [[nodiscard]] Result<Permit> arrival();                         // HANDSHAKE_LIMIT
  [[nodiscard]] std::optional<Permit> refused_socket();           // nullopt: refuse at once, unread
  [[nodiscard]] Result<Permit> pending();                         // PENDING_LIMIT
  [[nodiscard]] std::optional<Permit> refusal_upgrade();          // nullopt: answer over HTTP instead
  [[nodiscard]] Result<Permit> request();                         // BUSY

  [[nodiscard]] std::uint32_t connections() const { return connections_.taken(); }
  [[nodiscard]] std::uint32_t pendings() const { return pending_.taken(); }
  [[nodiscard]] std::uint32_t refusal_upgrades() const { return refusal_upgrades_.taken(); }
  [[nodiscard]] std::uint32_t requests() const { return requests_.taken(); }

  // Once, before the first use.
  void report_to(Metrics& metrics);

 private:
  CountingLimit connections_;
  CountingLimit arrivals_;
  CountingLimit refused_sockets_;
  CountingLimit pending_;
  CountingLimit refusal_upgrades_;
  CountingLimit requests_;
  std::chrono::nanoseconds interval_; // between two handshakes at the full rate
  std::atomic<std::int64_t> next_{0}; // when the next one may come, in ns; at most 1 s ahead of now
  Counter* rate_refused_ = nullptr;
};

} // namespace foyer::admission
