// For tests: the auth service with its routes for other services. "auth" is its own
// service; tests register others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "accounts/http/internal_routes.h"
#include "accounts/http/oauth_routes.h"
#include "accounts/testing/accounts_world.h"
#include "auth/contract/variants.h"

namespace foyer::accounts::testing_world {

inline constexpr std::string_view kOwnSecret = "the secret of gateway and auth service";
inline constexpr std::string_view kOtherSecret = "the secret of quite another service!";

// Keeps the log lines.
class KeptLog final : public Log {
 public:
  void write(Level level, std::string_view event, std::string_view message,
      std::initializer_list<Field> fields = {}) noexcept override {
    lines.push_back(format_line(LogFormat::json, "", level, event, message, fields));
  }
  [[nodiscard]] bool enabled(Level) const noexcept override { return true; }
  [[nodiscard]] std::string all() const {
    std::string out;
    for (const auto& line : lines) out += line + '\n';
    return out;
  }
  std::vector<std::string> lines;
};

// How a request is signed.
struct As {
  std::string id = "auth";
  std::string secret = std::string{kOwnSecret};
  std::string address = {};
  std::string ref = {};
  std::string origin = {};
  Millis clock_ahead{0};
};

class ServicesWorld : public World {
 public:
  explicit ServicesWorld(AccountsPolicy policy = test_policy(), std::optional<jose::Key> key = {},
      ServicePolicy services_policy = {}, RevocationPollPolicy poll_policy = {})
      : World(std::move(policy), std::move(key)),
        services(std::make_unique<ServiceRegistry>(*store, seal, runners(), shared, clock, entropy, log, metrics,
            [](std::string_view secret) { return secret.size() >= 32; }, services_policy)),
        polls(std::make_unique<RevocationPolls>(*store, runners(), clock, log, metrics, poll_policy)) {
    services->start("auth", std::string{kOwnSecret});
    polls->start();
    turns.run_posted();
    const ServiceTokens tokens(
        token_tools(*keys), service->policy().issuer, service->policy().environment, service->policy().leeway);
    table_ = routes(*service, on_refusal(), services.get());
    AuthFacts facts{.version = "1.2.3",
        .build = "b1",
        .environment = "test",
        .issuer = "https://chat.example",
        .audience = "foyer",
        .jwt_fingerprints = {},
        .signing_kid = [this] { return keys->signing_kid(); }};
    add(internal_routes({.service = *service,
        .store = *store,
        .services = *services,
        .polls = *polls,
        .tokens = tokens,
        .facts = std::move(facts),
        .clock = clock,
        .log = log,
        .on_refusal = on_refusal()}));
    add(oauth_routes({.service = *service,
        .store = *store,
        .services = *services,
        .tokens = tokens,
        .clock = clock,
        .entropy = entropy,
        .log = log,
        .on_refusal = on_refusal()}));
  }
  ~ServicesWorld() { turns.run_posted(); }

  // Like `foyer service add` in another process.
  void add_service(std::string_view id, std::string_view secret, std::vector<std::string> may_call = {}) {
    ServiceRow row{.id = std::string{id},
        .secrets = {seal_service_secret(seal, id, secret, true, clock.wall(), entropy)},
        .may_call = std::move(may_call),
        .disabled = false,
        .created = clock.wall()};
    EXPECT_TRUE(wait<bool>([&](auto done) {
      store->add_service(row, {.at = clock.wall(), .action = "service_add", .outcome = "OK"}, std::move(done));
    }));
  }
  void change_service(std::string_view id, const std::function<void(ServiceRow&)>& change) {
    auto row =
        wait<std::optional<ServiceRow>>([&](auto done) { store->find_service(std::string{id}, std::move(done)); });
    ASSERT_TRUE(row && *row);
    change(**row);
    EXPECT_TRUE(wait<bool>([&](auto done) {
      store->change_service(**row, {.at = clock.wall(), .action = "service_change", .outcome = "OK"}, std::move(done));
    }));
  }

  [[nodiscard]] Headers signature(
      std::string_view path, std::string_view body, const As& as, std::string_view method = "POST") {
    Headers headers;
    const auth::ServiceIdentity identity(as.id, as.secret);
    identity.sign(headers, method, path, body, {.address = as.address, .ref = as.ref, .origin = as.origin},
        clock.wall() + as.clock_ahead, entropy);
    return headers;
  }
  Answer signed_post(std::string_view path, std::string body, const As& as = {}, Ask ask = {}) {
    ask.headers = signature(path, body, as);
    return post(path, std::move(body), std::move(ask));
  }
  Answer form(std::string_view path, std::string body, Ask ask = {}) {
    ask.content_type = "application/x-www-form-urlencoded";
    return post(path, std::move(body), std::move(ask));
  }
  [[nodiscard]] static Ask basic(std::string_view id, std::string_view secret) {
    Ask ask;
    ask.headers.add("Authorization", "Basic " + base64_encode(std::string{id} + ":" + std::string{secret}));
    return ask;
  }
  // A service token of `id` for `audience`.
  std::string service_token(std::string_view id, std::string_view secret, std::string_view audience) {
    return form("/oauth2/token", "grant_type=client_credentials&audience=" + std::string{audience}, basic(id, secret))
        .text("access_token");
  }

  KeptLog log;
  std::unique_ptr<ServiceRegistry> services;
  std::unique_ptr<RevocationPolls> polls;

 private:
  void add(std::vector<Route> more) {
    for (auto& route : more) table_.push_back(std::move(route));
  }
};

} // namespace foyer::accounts::testing_world
