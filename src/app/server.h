// A whole server between accepted bytes and opened stores, built from one configuration. This is the only composition:
// `foyer serve` runs it with threads, ports and databases, the scenarios in one thread with virtual time.
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
  // REQUIRES: `config` is valid and its addresses are resolved; the loops do not turn yet. Starts only timers of loops.
  [[nodiscard]] static Result<std::unique_ptr<Server>> build(config::Config config, Environment environment);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Call once. Completes on the control plane when clients may connect; a refusal: the server must not serve.
  void start(Completion<bool> ready);
  // Waits for the revocations and public keys that the first clients are verified with. If they do not arrive in time,
  // a warning is logged and clients are refused until they do. Not on the control plane.
  void await_first_synchronisation(Millis at_most);

  [[nodiscard]] io::AcceptFunction accept_function(std::size_t loop);
  [[nodiscard]] io::AcceptFunction metrics_accept_function(std::size_t loop);
  // Reports a connection of `peer` that was refused before any HTTP was read. Any thread.
  Ref refused(const Refusal& refusal, std::string_view peer);
  [[nodiscard]] bool trusts(std::string_view peer) const; // whether `peer` is a trusted proxy

  [[nodiscard]] std::uint64_t sockets() const; // admitted and open
  [[nodiscard]] const admission::ConnectionLimits& connections() const;

  // Null without the gateway role. Any thread.
  [[nodiscard]] gateway::Clients* clients();
  [[nodiscard]] rooms::RoomService* rooms();

  bool reload(); // fetches the key set; false: there is none to fetch
  // Any thread: health says DRAINING from now on, and nothing else changes.
  void announce_drain();
  // Any thread, once. Notifies clients and closes them in batches; `done` runs when none is left. Clients that connect
  // in the meantime are still answered.
  void drain(std::function<void()> done);
  // After drain(), once the listeners are closed: `done` runs when the connections accepted in between are gone.
  void when_empty(std::function<void()> done);
  void stop(); // every acknowledged message is stored; afterwards no thread calls into the server

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

} // namespace foyer::app
