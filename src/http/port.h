// One loop's part of an HTTP server: its connections, the queue of idle ones, and their shutdown. Everything here runs
// on the loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/http.h"
#include "http/deps.h"
#include "http/idle_queue.h"
#include "http/upgrade.h"
#include "io/paced_drain.h"
#include "io/slot_table.h"
#include "io/transport.h"

namespace foyer::http {

class Connection;

struct PortMetrics {
  explicit PortMetrics(Metrics& metrics);
  Counter& silent;
  Counter& idle;
};

class Port final : public LastAnswers {
 public:
  // `upgrades`: null if this server has no upgrades. `untrusted_proxy_reported`: shared by all loops.
  Port(io::Loop& loop, const Policy& policy, const Deps& deps, UpgradeHandler* upgrades,
      std::atomic<bool>& untrusted_proxy_reported);
  ~Port() override;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] io::TransportHandler* accept(io::Transport& transport);
  void answer_last(io::Transport& transport, LastAnswer answer) override;

  // Answers the requests in progress and reads no others. `done` runs when no connection is left.
  void drain(std::move_only_function<void()> done);
  // After drain() and the last accept: `done` runs when connections accepted meanwhile are gone, too.
  void when_empty(std::move_only_function<void()> done);

  // Used by connections.
  [[nodiscard]] io::Loop& loop() { return loop_; }
  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] const Deps& deps() const { return deps_; }
  [[nodiscard]] PortMetrics& metrics() { return metrics_; }
  [[nodiscard]] UpgradeHandler* upgrades() { return upgrades_; }
  [[nodiscard]] IdleLink& idle() { return idle_; }
  [[nodiscard]] bool draining() const { return drain_.started(); }
  [[nodiscard]] Connection* find(io::SlotId id) { return connections_.find(id); }
  [[nodiscard]] const std::shared_ptr<std::atomic<bool>>& alive() const { return alive_; } // false once this is gone
  void remove(Connection& connection);                                                     // deletes it
  void report_untrusted_proxy(std::string_view peer);                                      // once
  void report_other_header(std::string_view header);                                       // once

 private:
  struct Unread;
  Connection& add(io::Transport& transport, Arrival arrival);
  io::TransportHandler* turn_away(io::Transport& transport, const Refusal& refusal);

  io::Loop& loop_;
  const Policy& policy_;
  const Deps& deps_;
  UpgradeHandler* upgrades_;
  std::atomic<bool>& untrusted_proxy_reported_;
  PortMetrics metrics_;
  IdleLink idle_; // the head of a list
  std::unique_ptr<Unread> unread_;
  io::SlotTable<Connection> connections_;
  io::PacedDrain<Connection> drain_;
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(true);
  bool other_header_reported_ = false;
};

} // namespace foyer::http
