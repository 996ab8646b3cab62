// Everything between accepted bytes and opened stores, built from one configuration. The only
// composition: `foyer serve` gives it threads, ports and databases, the scenarios one thread and virtual time.
//
//   TRY(server, app::Server::build(config, std::move(environment)));
//   server->start([](Result<bool> ready) { … });         // then accept
//   loop.listen(listener, server->accept_function(0));
//   server->drain([&] { server->when_empty(done); });    // the listeners are closed in between
//   server->stop();                                      // once loops and control plane have ended
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "admission/limits.h"
#include "app/environment.h"
#include "base/completion.h"
#include "base/refusal.h"
#include "config/options.h"
#include "io/transport.h"

namespace foyer::gateway {
class Clients;
}
namespace foyer::rooms {
class RoomService;
}

namespace foyer::app {

class Server {
 public:
  // `config`: valid, its addresses resolved. Starts nothing but loop timers. The loops do not turn yet.
  [[nodiscard]] static Result<std::unique_ptr<Server>> build(config::Config config, Environment environment);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Once. `ready` is called on the control plane when clients may connect; a refusal: it cannot serve.
  void start(Completion<bool> ready);
  // Waits so long for what the first clients are verified with: revocations, public keys. A warning is logged when they
  // do not arrive; clients are refused until they do. Not on the control plane.
  void await_first_synchronisation(Millis at_most);

  [[nodiscard]] io::AcceptFunction accept_function(std::size_t loop);
  [[nodiscard]] io::AcceptFunction metrics_accept_function(std::size_t loop);
  // A connection from that TCP peer was refused before any HTTP was read. Any thread.
  Ref refused(const Refusal& refusal, std::string_view peer);
  [[nodiscard]] bool trusts(std::string_view peer) const; // as a proxy

  [[nodiscard]] std::uint64_t sockets() const; // admitted and open
  [[nodiscard]] const admission::ConnectionLimits& connections() const;

  // Null without the gateway role. Any thread.
  [[nodiscard]] gateway::Clients* clients();
  [[nodiscard]] rooms::RoomService* rooms();

  bool reload(); // fetches the key set; false: there is none to fetch
  // From any thread, once: clients are notified and closed in batches. `done` when none is left. Clients that connect
  // meanwhile are answered, too.
  void drain(std::function<void()> done);
  // After drain(), with the listeners closed: `done` when the connections accepted meanwhile are gone, too.
  void when_empty(std::function<void()> done);
  void stop(); // acknowledged messages are stored; afterwards no thread calls into the server

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

} // namespace foyer::app
