// An HTTP server: everything that listens on one port, on all loops.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "http/deps.h"
#include "http/port.h"
#include "http/upgrade.h"
#include "io/transport.h"

namespace foyer::http {

class Server {
 public:
  // `upgrades`: one handler for each loop, or none at all. Handlers and loops must outlive the server.
  Server(const std::vector<io::Loop*>& loops, const std::vector<UpgradeHandler*>& upgrades, Policy policy, Deps deps);
  ~Server();

  // The function for a loop's listener.
  [[nodiscard]] io::AcceptFunction accept_function(std::uint8_t loop);

  // Any thread, once. New requests get DRAINING. `done` runs on a loop when no connection is left.
  void drain(std::function<void()> done);
  // After drain(), once the listeners are closed: `done` runs on a loop when the connections accepted in between are
  // gone.
  void when_empty(std::function<void()> done);

  // From any thread.
  [[nodiscard]] bool draining() const { return draining_; }
  [[nodiscard]] bool loops_turn() const; // every loop finished a turn within the last 5 s

 private:
  class Pulse;
  void on_all(void (Port::*step)(std::move_only_function<void()>), const std::function<void()>& done);

  Policy policy_;
  Deps deps_;
  std::vector<io::Loop*> loops_;
  std::atomic<bool> untrusted_proxy_reported_{false};
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<Pulse>> pulses_;
  std::atomic<bool> draining_{false};
};

} // namespace foyer::http
