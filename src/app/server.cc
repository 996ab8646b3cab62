#include "app/server.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "app/server_parts.h"

namespace foyer::app {
namespace {

constexpr Millis kReportPeriod{10'000};
constexpr Millis kRightsChecked{1'000}; // with other nodes: whether what they took away is known

} // namespace

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::build(config::Config config, Environment environment) {
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(std::move(config), std::move(environment))));
  TRY_VOID(server->parts_->build());
  return server;
}

void Server::start(Completion<bool> ready) {
  Parts& p = *parts_;
  p.environment.control.every(kReportPeriod, [&p] { p.reporter.flush(); });
  p.issuers->start();
  p.auth->start([&p, ready = std::move(ready)](Result<bool> started) mutable {
    if (!started || !p.gateway) return ready(std::move(started));
    p.gateway->watch_store();
    p.gateway->watch_revocations();
    if (config::with_others(p.config))
      p.environment.control.every(kRightsChecked, [&p] {
        if (!p.revocations.current(p.environment.clock.mono(), auth::RevocationSource::record))
          p.gateway->rights_unknown();
      });
    if (p.webhooks) p.webhooks->start();
    p.key_ring->start();
    p.endings->start([ready = std::move(ready)](const Result<bool>&) mutable { ready(true); });
  });
}

void Server::await_first_synchronisation(Millis at_most) {
  Parts& p = *parts_;
  if (!p.gateway) return;
  const MonoTime until = p.environment.clock.mono() + at_most;
  const auto left = [&] {
    return std::max(Millis{0}, std::chrono::duration_cast<Millis>(until - p.environment.clock.mono()));
  };
  const bool revocations_known = p.revocations.wait_for_first(left());
  const bool keys_known = p.auth->wait_for_keys(left());
  p.issuers->wait_for_keys(left());
  if (revocations_known && keys_known) return;
  p.environment.log.warning("not_synchronised",
      "The auth service has not answered yet. Clients are refused until it does.",
      {{"revocations", revocations_known}, {"keys", keys_known},
          {"next", "Check the auth service; this process continues by itself when it answers."}});
}

io::AcceptFunction Server::accept_function(std::size_t loop) {
  return parts_->server->accept_function(static_cast<std::uint8_t>(loop));
}

io::AcceptFunction Server::metrics_accept_function(std::size_t loop) {
  return parts_->metrics_server->accept_function(static_cast<std::uint8_t>(loop));
}

Ref Server::refused(const Refusal& refusal, std::string_view peer) {
  Ref ref{parts_->environment.entropy.short_id()};
  parts_->limits.addresses.refused(peer, refusal.cause, parts_->environment.clock.mono());
  parts_->reporter.report(ref, refusal, peer);
  return ref;
}

bool Server::trusts(std::string_view peer) const { return parts_->policy.trusted_proxies.covers(peer); }

std::uint64_t Server::sockets() const { return parts_->info.connections(); }

const admission::ConnectionLimits& Server::connections() const { return parts_->limits.connections; }

gateway::Clients* Server::clients() { return parts_->gateway ? &parts_->gateway->clients() : nullptr; }
rooms::RoomService* Server::rooms() { return parts_->gateway ? &parts_->gateway->rooms() : nullptr; }

bool Server::reload() {
  const bool own = parts_->auth->reload();
  return parts_->issuers->reload() || own;
}

void Server::announce_drain() { parts_->leaving = true; }

void Server::drain(std::function<void()> done) {
  parts_->auth->drain();
  if (!parts_->gateway) return parts_->server->drain(std::move(done));
  const auto left = std::make_shared<std::atomic<int>>(2);
  const auto one_empty = [left, done = std::move(done)] {
    if (left->fetch_sub(1) == 1) done();
  };
  parts_->server->drain(one_empty);
  parts_->gateway->drain(one_empty);
}

void Server::when_empty(std::function<void()> done) {
  parts_->server->when_empty([gateway = parts_->gateway.get(), done = std::move(done)] {
    if (!gateway) return done();
    gateway->when_empty(done);
  });
}

void Server::stop() {
  Parts& p = *parts_;
  if (!p.server) return;
  p.application.reset();
  if (p.chat) p.chat->close();
  if (p.environment.between.watch) p.environment.between.watch({});
  if (p.environment.between.questions) p.environment.between.questions->close();
  p.reporter.flush();
  p.metrics_server.reset();
  p.server.reset();
  p.gateway.reset();
  p.api.reset();
  p.no_rooms.clear();
  p.issuers.reset();
  p.auth.reset();
}

} // namespace foyer::app
