#include "app/trusted_issuers.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/environment.h"
#include "client/outgoing.h"
#include "config/issuer_keys.h"
#include "wire/url.h"

namespace foyer::app {
namespace {

constexpr Millis kInterval{5 * 60'000}; // between two fetches; for an unknown key the set is fetched at once

constexpr std::string_view kMetadata = "/.well-known/openid-configuration";

} // namespace

auth::IssuerTerms issuer_terms(const config::Config& c, const auth::TrustedIssuer& issuer) {
  return {.issuer = issuer, .leeway = c.jwt_leeway, .max_token_life = c.max_token_life};
}

Result<std::unique_ptr<TrustedIssuers>> TrustedIssuers::make(
    const config::Config& c, const Environment& environment, const auth::LocalVerifier* own) {
  std::unique_ptr<TrustedIssuers> out(new TrustedIssuers(c, environment));
  std::vector<std::unique_ptr<auth::IssuerVerifier>> verifiers;
  out->keys_.reserve(c.issuers.size()); // the callbacks keep indices into it
  for (const auto& issuer : c.issuers) {
    TRY(made, out->make_one(issuer));
    verifiers.push_back(std::move(made));
  }
  out->issuers_ = std::make_unique<auth::Issuers>(
      own, c.jwt_issuer, std::move(verifiers), c.gateway.door.max_token_bytes, environment.metrics);
  return out;
}

Result<std::unique_ptr<auth::IssuerVerifier>> TrustedIssuers::make_one(const auth::TrustedIssuer& issuer) {
  auth::IssuerTerms terms = issuer_terms(config_, issuer);
  TRY(in_file, config::keys_in_file(issuer, config::system_files()));
  if (in_file) {
    keys_.emplace_back();
    return std::make_unique<auth::IssuerVerifier>(std::move(terms), std::move(in_file));
  }
  TRY(keys, fetched(issuer));
  keys_.push_back(std::move(keys));
  const auth::KeySetSource* source = keys_.back().source.get();
  return std::make_unique<auth::IssuerVerifier>(
      std::move(terms), jose::KeySet::none(), [source] { return source->check(); });
}

// The address of a key set comes from the configuration or, with discovery, from the issuer's metadata on the same
// origin; never from a token.
Result<TrustedIssuers::Keys> TrustedIssuers::fetched(const auth::TrustedIssuer& issuer) {
  auth::KeySetPolicy policy = config_.key_set;
  policy.issuer = issuer.name;
  policy.interval = kInterval;
  policy.algorithms = config::algorithms_of(issuer);
  std::string address = issuer.jwks_url;
  if (issuer.discovery) {
    address = issuer.issuer;
    while (address.ends_with('/')) address.pop_back();
    address += kMetadata;
  }
  TRY(url, wire::parse_url(address));
  TRY(server,
      client::outgoing(
          address, client::UrlSource::operator_, {.tls = {.ca_file = issuer.ca_file}, .connections = 1, .waiting = 4}));
  if (issuer.discovery)
    policy.discovery = auth::Discovery{.target = server.target, .issuer = issuer.issuer, .origin = url.origin()};
  else
    policy.target = server.target;
  Keys out;
  out.server = environment_.connect(std::move(server.pool));
  const auth::Context context{.clock = environment_.clock,
      .entropy = environment_.entropy,
      .log = environment_.log,
      .metrics = environment_.metrics,
      .transport = *out.server,
      .control = environment_.control};
  const std::size_t index = keys_.size();
  out.source = std::make_unique<auth::KeySetSource>(context, std::move(policy),
      [this, index](std::shared_ptr<const jose::KeySet> keys) { take_keys(index, std::move(keys)); });
  out.awaited = true;
  return out;
}

void TrustedIssuers::take_keys(std::size_t index, std::shared_ptr<const jose::KeySet> keys) {
  issuers_->trusted()[index]->replace_keys(std::move(keys));
  const std::lock_guard lock(first_);
  keys_[index].awaited = false;
  arrived_.notify_all();
}

void TrustedIssuers::wait_for_keys(Millis at_most) {
  std::unique_lock lock(first_);
  arrived_.wait_for(lock, at_most, [this] { return std::ranges::none_of(keys_, &Keys::awaited); });
}

TrustedIssuers::Keys* TrustedIssuers::keys_of(const auth::IssuerVerifier* issuer) {
  const auto& all = issuers_->trusted();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].get() == issuer) return &keys_[i];
  return nullptr;
}

void TrustedIssuers::start() {
  for (const auto& keys : keys_)
    if (keys.source) keys.source->start();
}

TrustedIssuers::Refresh TrustedIssuers::refresh() {
  return [this](const std::string& token, Completion<bool>& done) {
    Keys* keys = keys_of(issuers_->named_by(token));
    if (keys == nullptr) return false;
    if (!keys->source)
      environment_.control.post([done = std::move(done)]() mutable { done(false); });
    else
      environment_.control.post(
          [source = keys->source.get(), done = std::move(done)]() mutable { source->refresh(std::move(done)); });
    return true;
  };
}

bool TrustedIssuers::reload() {
  bool any = false;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (!keys_[i].source) continue;
    any = true;
    environment_.control.post([this, i] {
      keys_[i].source->refresh([&log = environment_.log, name = config_.issuers[i].name](Result<bool> newer) {
        if (!newer)
          log.warning("key_set_not_fetched", newer.error().operator_text(), {{"code", newer.error().code()}});
        else
          log.info(
              "key_set_fetched", "The key set of an issuer was reloaded.", {{"issuer", name}, {"changed", *newer}});
      });
    });
  }
  return any;
}

std::vector<observe::HealthCheck> TrustedIssuers::ready() const {
  std::vector<observe::HealthCheck> out;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const auth::KeySetSource* source = keys_[i].source.get();
    if (source == nullptr) continue;
    // Without it, users of other issuers can still connect, and established connections stay.
    out.push_back({.name = "issuer_" + config_.issuers[i].name,
        .needed = config_.issuers.size() == 1 && config_.identity == config::IdentityMode::external,
        .read = [source] {
      const auto doubt = source->check();
      if (doubt) return observe::HealthState::failing(std::string(doubt->code()));
      const auto status = source->status();
      if (status.ignored == 0) return observe::HealthState::ok();
      return observe::HealthState::ok(
          fmt::format("{} of the {} keys in the set cannot be used; see the log for the reasons", status.ignored,
              status.ignored + status.keys));
    }});
  }
  return out;
}

} // namespace foyer::app
