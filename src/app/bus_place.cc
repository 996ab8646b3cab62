#include "app/bus_place.h"

#include <algorithm>
#include <utility>

namespace foyer::app {
namespace {

constexpr Millis kLeastTimeout{1'000};
constexpr Millis kMostTimeout{5'000};
constexpr Millis kMostBackoff{1'000}; // what was published meanwhile has to be read from the database
constexpr Millis kSlowestQuestion{1'000};

redis::Policy bus_policy(const config::Config& config) {
  redis::Policy policy;
  policy.command_timeout = std::clamp(config.cluster_tick * 5, kLeastTimeout, kMostTimeout);
  policy.connect_timeout = policy.idle = policy.command_timeout;
  policy.backoff_most = kMostBackoff;
  return policy;
}

} // namespace

std::string bus_shown(const config::Config& config) {
  const auto url = redis::parse_bus_url(config.bus_url);
  return url ? url->shown() : std::string();
}

BusPlace find_bus(const config::Config& config, Entropy& entropy) {
  BusPlace out{.server = {}, .policy = bus_policy(config)};
  out.server.tls.ca_file = config.bus_ca_file;
  const auto url = redis::parse_bus_url(config.bus_url);
  if (!url) return out; // checked when it was loaded
  out.server.url = url->server;
  const Millis every = std::min(config.cluster_tick, kSlowestQuestion);
  if (url->kind == redis::BusUrl::Kind::cluster)
    out.server.cluster = std::make_shared<redis::Cluster>(*url, out.server.tls, out.policy, entropy, every);
  if (url->kind != redis::BusUrl::Kind::sentinel) return out;
  out.sentinel = std::make_unique<redis::Sentinel>(*url, out.server.tls, out.policy, entropy, every);
  out.server.primary = out.sentinel->primary();
  return out;
}

std::optional<Refusal> BusPlace::unreachable() const {
  auto why = sentinel ? sentinel->trouble() : server.cluster ? server.cluster->trouble() : std::nullopt;
  if (!why) return std::nullopt;
  return Refusal{.cause = sentinel ? Cause::SENTINEL_UNREACHABLE : Cause::BUS_UNREACHABLE, .evidence = *std::move(why)};
}

std::optional<Refusal> BusPlace::blind() const {
  auto what = sentinel ? sentinel->sees_down() : std::nullopt;
  if (!what) return std::nullopt;
  return Refusal{.cause = Cause::SENTINEL_BLIND, .evidence = *std::move(what)};
}

} // namespace foyer::app
