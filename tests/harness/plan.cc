#include "harness/plan.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "auth/contract/variants.h"
#include "auth/testing/client_world.h"
#include "base/fingerprint.h"
#include "config/entries.h"
#include "config/table.h"
#include "harness/words.h"

namespace foyer::harness {
namespace {

std::uint64_t number_of(const std::string& value) {
  std::size_t used = 0;
  const auto number = std::stoull(value, &used);
  if (used != value.size()) throw std::invalid_argument("not a number: " + value);
  return number;
}

Millis duration_of(const std::string& value) {
  if (const auto duration = read_duration(value)) return *duration;
  throw std::invalid_argument("not a duration: " + value);
}

using Setter = void (*)(Plan&, const std::string&);

const std::map<std::string, Setter, std::less<>>& setters() {
  static const std::map<std::string, Setter, std::less<>> table{
      {"entropy", [](Plan& p, const std::string& value) { p.entropy = number_of(value); }},
      {"clock_ahead", [](Plan& p, const std::string& value) { p.begun += duration_of(value); }},
      {"development", [](Plan& p, const std::string& value) { p.config.gateway.door.reveal = value == "true"; }},
      {"answer_bytes", [](Plan& p, const std::string& value) { p.config.gateway.answer_bytes = number_of(value); }},
      {"asks", [](Plan& p, const std::string& value) { p.asks = value; }},
      {"accounts", [](Plan& p, const std::string& value) { p.accounts = value == "real"; }},
      {"auth_service",
          [](Plan& p, const std::string& value) { // remote: the scripted one is asked over HTTP, by the shipped client
    p.config.role_auth = value != "remote";
    p.config.auth_service_url = p.config.role_auth ? "" : "http://auth.test:8001";
  }},
  };
  return table;
}

// Without the bounds of the option: scenarios reach limits that nobody would configure.
void set_option(config::Config& config, const std::string& name, const std::string& value) {
  const config::Option* known = config::find_option(name);
  if (known == nullptr) throw std::invalid_argument("no such setting: " + name);
  if (const auto* entries = std::get_if<config::Entries>(&known->slot)) {
    auto texts = config::entries_in(value, "the scenario");
    if (!texts) throw std::invalid_argument(fmt::format("{}: {}", name, texts.error()));
    for (const auto& text : *texts)
      for (const auto& fault : config::read_entry(**entries, text, config)) throw std::invalid_argument(fault.message);
    return;
  }
  config::Option option = *known;
  option.min = option.max = 0;
  if (!config::parse_value(option, value, config))
    throw std::invalid_argument(fmt::format("{} takes {}", name, config::rule_text(option)));
}

} // namespace

config::Config config_of_a_node() {
  config::Config config = config::defaults_for(config::Environment::test);
  config.loops = 2;
  config.public_url = kNodeOrigin;
  config.allowed_origins = {std::string(kNodeOrigin), "http://localhost:8000"};
  config.jwt_issuer = kIssuer;
  config.accounts.registration = config::Registration::open;
  config.argon2_memory = std::uint64_t{8} * 1024;
  config.accounts.hash_cost.passes = 1;
  config.store_sync = config::StoreSync::normal;
  config.api_key = Node::kApiKey;
  config.jwt_secret_key = kTokenSecret;
  config.service_secret = auth::testing_world::kServiceSecret;
  return config;
}

observe::BuildInfo build_info() {
  return {.version = "0.0.0", .build = "harness", .environment = std::string(kEnvironment), .config = "00000000"};
}

Plan plan_of(const Settings& settings) {
  Plan plan;
  for (const auto& [name, value] : settings) {
    const auto found = setters().find(name);
    if (found == setters().end())
      set_option(plan.config, name, value);
    else
      found->second(plan, value);
  }
  return plan;
}

auth::ChallengeAnswer auth_facts() {
  auth::ChallengeAnswer out{.version = "0.0.0",
      .build = "harness",
      .environment = std::string(kEnvironment),
      .issuer = std::string(kIssuer),
      .audience = std::string(kAudience)};
  for (const auto& variant : auth::variants(kTokenSecret))
    out.jwt_fingerprints.push_back({variant.name, fingerprint("jwt_secret_key", variant.secret)});
  return out;
}

} // namespace foyer::harness
