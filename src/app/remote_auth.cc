#include "app/remote_auth.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/environment.h"
#include "app/policies.h"
#include "app/signing_key.h"
#include "jose/key_set.h"
#include "wire/url.h"

namespace foyer::app {

namespace {

// With a long poll longer than revocation_max_age, an up-to-date table would look outdated.
auth::StreamPolicy stream_policy(const config::Config& c) {
  auth::StreamPolicy out;
  out.wait = std::min(out.wait, c.revocations.max_age / 3);
  return out;
}

} // namespace

auth::Context RemoteAuth::context_of(auth::Transport& transport) {
  return {.clock = environment_.clock,
      .entropy = environment_.entropy,
      .log = environment_.log,
      .metrics = environment_.metrics,
      .transport = transport,
      .control = environment_.control};
}

client::PoolOptions RemoteAuth::to(wire::Url server, std::size_t connections, std::size_t waiting) const {
  return {.server = std::move(server),
      .tls = {.ca_file = config_.auth_service_ca_file},
      .connections = connections,
      .waiting = waiting};
}

Result<std::unique_ptr<RemoteAuth>> RemoteAuth::make(const config::Config& c, const Environment& environment) {
  std::unique_ptr<RemoteAuth> out(new RemoteAuth(c, environment));
  RemoteAuth& r = *out;
  TRY(server, wire::parse_url(c.auth_service_url));
  r.questions_ = environment.connect(r.to(server, 32, 4'096));
  r.forwarded_ = environment.connect(r.to(server, 64, 1'024));
  r.identity_ = std::make_unique<auth::ServiceIdentity>(c.service_id, c.service_secret);
  TRY_VOID(r.make_keys());
  r.stream_ = std::make_unique<auth::RevocationStream>(r.context_of(*r.questions_), *r.identity_, stream_policy(c));
  r.service_ = std::make_unique<auth::RemoteAuthService>(r.context_of(*r.questions_), *r.identity_, c.auth, *r.stream_);
  auth::FitFacts facts{.version = environment.build.version,
      .build = environment.build.build,
      .environment = environment.build.environment,
      .issuer = c.jwt_issuer,
      .audience = c.jwt_audience,
      .service_secret = c.service_secret,
      .jwt_secret_key = c.jwt_secret_key,
      .kids = [&r] { return r.kids(); },
      .leeway = c.jwt_leeway};
  r.fit_ = std::make_unique<auth::CompatibilityMonitor>(r.context_of(*r.questions_), *r.identity_, std::move(facts));
  return out;
}

std::vector<Route> RemoteAuth::routes(const OnRefusal& on_refusal) {
  const auth::ForwardPolicy policy{.body_bytes = config_.http.limits.body_bytes, .reveal = config_.gateway.door.reveal};
  forwarder_ = std::make_unique<auth::Forwarder>(context_of(*forwarded_), *identity_, policy, on_refusal);
  return forwarder_->routes();
}

// A shared secret is available at once; public keys must be fetched.
Result<void> RemoteAuth::make_keys() {
  const config::Config& c = config_;
  if (c.jwt_jwks_url.empty()) {
    TRY(key, configured_key(c));
    TRY(keys, jose::KeySet::of(std::move(key)));
    verifier_ = std::make_unique<auth::LocalVerifier>(
        jose::Verifier(std::move(keys), verifier_policy(c)), true, environment_.metrics);
    return {};
  }
  TRY(url, wire::parse_url(c.jwt_jwks_url));
  auth::KeySetPolicy policy = c.key_set;
  policy.target = client::request_target(url);
  url.path.clear();
  url.query.clear();
  key_server_ = environment_.connect(to(url, 1, 4));
  key_set_ = std::make_unique<auth::KeySetSource>(
      context_of(*key_server_), std::move(policy), [this](std::shared_ptr<const jose::KeySet> keys) {
    verifier_->replace_keys(std::move(keys));
    std::call_once(first_keys_set_, [this] { first_keys_.set_value(); });
  });
  // The tokens belong to accounts of this installation if the keys come from its auth service.
  TRY(server, wire::parse_url(c.auth_service_url));
  const bool own = url.origin() == server.origin();
  verifier_ = std::make_unique<auth::LocalVerifier>(jose::Verifier(jose::KeySet::none(), verifier_policy(c)), own,
      environment_.metrics, [this] { return key_set_->check(); });
  return {};
}

std::vector<std::string> RemoteAuth::kids() const {
  std::vector<std::string> out;
  if (!key_set_) return out;
  const auto verifier = verifier_->current();
  for (const auto& key : verifier->keys()->keys()) out.push_back(key.kid());
  return out;
}

void RemoteAuth::start(Completion<bool> ready) {
  if (key_set_) key_set_->start();
  fit_->start();
  environment_.control.post([ready = std::move(ready)]() mutable { ready(true); });
}

bool RemoteAuth::wait_for_keys(Millis at_most) {
  return !key_set_ || first_keys_.get_future().wait_for(at_most) == std::future_status::ready;
}

bool RemoteAuth::reload() {
  if (!key_set_) return false;
  environment_.control.post([this] {
    key_set_->refresh([&log = environment_.log](Result<bool> newer) {
      if (!newer)
        log.warning("key_set_not_fetched", newer.error().operator_text(), {{"code", newer.error().code()}});
      else
        log.info("key_set_fetched",
            *newer ? "The key set was reloaded and has changed; tokens are now verified with the new one."
                   : "The key set has not changed, or was fetched a moment ago.");
    });
  });
  return true;
}

std::function<void(Completion<bool>)> RemoteAuth::refresh_keys() {
  if (!key_set_) return {};
  return [this](Completion<bool> done) {
    environment_.control.post([this, done = std::move(done)]() mutable { key_set_->refresh(std::move(done)); });
  };
}

// The first problem found: the two processes are not compatible, or the auth service does not answer.
observe::HealthState RemoteAuth::auth_service_state() const {
  const auto fit = fit_->status();
  if (!fit.findings.empty()) return observe::HealthState::failing(std::string(fit.findings.front().code()));
  const auto breaker = service_->status();
  if (breaker.state != auth::BreakerStatus::State::closed)
    return observe::HealthState::failing(std::string(code_of(Cause::AUTH_CIRCUIT_BREAKER_OPEN)));
  if (const auto stream = stream_->status(); stream.fault)
    return observe::HealthState::failing(std::string(stream.fault->code()));
  if (fit.fault) return observe::HealthState::failing(std::string(fit.fault->code()));
  if (!fit.answered) return observe::HealthState::unknown(std::string(code_of(Cause::NOT_READY)));
  return observe::HealthState::ok();
}

std::vector<observe::HealthCheck> RemoteAuth::ready() {
  std::vector<observe::HealthCheck> out;
  // Not needed: established connections stay, and verifying JWTs takes no request.
  out.push_back({.name = "auth_service", .needed = false, .read = [this] { return auth_service_state(); }});
  if (key_set_)
    out.push_back({.name = "key_set", .needed = true, .read = [this] {
      const auto doubt = key_set_->check();
      if (doubt) return observe::HealthState::failing(std::string(doubt->code()));
      const auto status = key_set_->status();
      if (status.ignored == 0) return observe::HealthState::ok();
      return observe::HealthState::ok(
          fmt::format("{} of the {} keys in the set cannot be used; see the log for the reasons", status.ignored,
              status.ignored + status.keys));
    }});
  return out;
}

} // namespace foyer::app
