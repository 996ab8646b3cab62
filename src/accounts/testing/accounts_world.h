// For tests: a whole auth service in one thread, over a real database in a
// temporary directory, with a clock and an order of work that the test controls.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/http/routes.h"
#include "accounts/service.h"
#include "accounts/sql/sqlite_store.h"
#include "base/json.h"
#include "base/manual_executor.h"
#include "engine/memory/shared_state.h"
#include "jose/jwk.h"
#include "store/testing/store_world.h"

namespace foyer::accounts::testing_world {

inline AccountsPolicy test_policy() {
  AccountsPolicy policy;
  policy.issuer = "https://chat.example";
  policy.environment = "test";
  policy.public_url = "https://chat.example";
  policy.allowed_origins = {"https://chat.example"};
  policy.registration = Registration::open;
  policy.hash_cost = {.memory_kib = 8, .passes = 1, .lanes = 1};
  policy.rate = {.burst = 1000, .per_second = 100};
  return policy;
}

struct Answer {
  int status = 0;
  Headers headers;
  std::string body;
  json::Object json = {};

  [[nodiscard]] std::string text(std::string_view name) const {
    return std::string{json::get_string(json, name).value_or("")};
  }
  [[nodiscard]] std::string code() const { return text("code"); }
  [[nodiscard]] std::string field() const { return text("field"); }
  [[nodiscard]] std::string header(std::string_view name) const {
    const auto* value = headers.find(name);
    return value == nullptr ? std::string{} : *value;
  }
};

struct Ask {
  std::string body = {};
  std::string bearer = {};
  std::string cookie = {};
  std::string origin = {};
  std::string query = {};
  std::string address = "10.0.0.1";
  std::string content_type = "application/json";
  bool secure = true;
  Headers headers = {}; // additional ones
};

class World {
 public:
  explicit World(AccountsPolicy policy = test_policy(), std::optional<jose::Key> key = {})
      : policy_(std::move(policy)),
        key_(key ? *key : jose::Key::generate(jose::Algorithm::eddsa, entropy)) {
    start();
  }

  // The process ends and another starts on the same data.
  void restart(std::optional<AccountsPolicy> policy = {}) {
    turns.run_posted();
    table_.clear();
    service.reset();
    keys.reset();
    store.reset();
    if (policy) policy_ = std::move(*policy);
    start();
  }

  [[nodiscard]] std::unique_ptr<AccountStore> open_store() {
    auto opened =
        open_sqlite_store(dir.file("accounts.sqlite"), {.executor = &turns}, clock, entropy, metrics, null_log());
    EXPECT_TRUE(opened) << opened.error().evidence;
    return std::move(*opened);
  }

  // Sends the request; the answer comes when the world settles.
  void send(std::string_view method, std::string_view path, Ask ask, std::function<void(Answer)> then) {
    Request request;
    request.method = method;
    request.path = path;
    request.query = ask.query;
    request.body = ask.body;
    request.address = ask.address;
    request.origin_url = ask.secure ? "https://chat.example" : "http://127.0.0.1:8000";
    request.secure = ask.secure;
    request.ref = Ref{"ref-" + std::to_string(++refs_)};
    if (!ask.body.empty() && !ask.content_type.empty()) request.headers.add("Content-Type", ask.content_type);
    if (!ask.bearer.empty()) request.headers.add("Authorization", "Bearer " + ask.bearer);
    if (!ask.cookie.empty()) request.headers.add("Cookie", ask.cookie);
    if (!ask.origin.empty()) request.headers.add("Origin", ask.origin);
    for (const auto& header : ask.headers.list()) request.headers.add(header.name, header.value);
    request.headers.add("User-Agent", "Test/1.0");
    const Route* route = find(request);
    ASSERT_NE(route, nullptr) << method << ' ' << path;
    route->handler(std::move(request), [then = std::move(then)](Response response) {
      Answer answer{
          .status = response.status, .headers = std::move(response.headers), .body = std::move(response.body)};
      if (!answer.body.empty()) {
        auto value = json::parse(answer.body);
        ASSERT_TRUE(value) << answer.body;
        answer.json = value->as_object();
      }
      then(std::move(answer));
    });
  }

  Answer call(std::string_view method, std::string_view path, Ask ask = {}) {
    std::optional<Answer> out;
    send(method, path, std::move(ask), [&out](Answer answer) { out = std::move(answer); });
    turns.run_posted();
    EXPECT_TRUE(out) << method << ' ' << path << " was not answered";
    return out.value_or(Answer{});
  }
  Answer post(std::string_view path, std::string body, Ask ask = {}) {
    ask.body = std::move(body);
    return call("POST", path, std::move(ask));
  }
  Answer register_user(std::string_view name, std::string_view password = "a quiet place") {
    return post(
        "/auth/register", R"({"name":")" + std::string{name} + R"(","password":")" + std::string{password} + R"("})");
  }
  Answer login(std::string_view name, std::string_view password = "a quiet place", Ask ask = {}) {
    return post("/auth/login",
        R"({"name":")" + std::string{name} + R"(","password":")" + std::string{password} + R"("})", std::move(ask));
  }
  Answer refresh(std::string_view token) {
    return post("/auth/refresh", R"({"refresh_token":")" + std::string{token} + R"("})");
  }

  void advance(Millis by) { clock.advance(by); }
  // Runs the repeated work of the control plane once.
  void tick() {
    turns.repeat_everything();
    turns.run_posted();
  }

  template <class T>
  Result<T> wait(std::function<void(Completion<T>)> ask) {
    std::optional<Result<T>> out;
    ask([&out](Result<T> result) { out = std::move(result); });
    turns.run_posted();
    EXPECT_TRUE(out);
    return out ? std::move(*out) : Result<T>{refuse(Cause::INTERNAL_ERROR, "no answer")};
  }
  // Newest first, as "action outcome".
  std::vector<std::string> audited(std::size_t limit = 20) {
    std::vector<std::string> out;
    auto rows = wait<std::vector<AuditRow>>([&](auto done) { store->audit(limit, std::move(done)); });
    if (rows)
      for (const auto& row : *rows) out.push_back(row.action + ' ' + row.outcome);
    return out;
  }

  foyer::testing_world::TempDir dir;
  ManualClock clock;
  FixedEntropy entropy;
  Metrics metrics;
  ManualExecutor turns{clock}; // the work of the database, the hashing queue and the control plane
  std::unique_ptr<AccountStore> store;
  store::SealKey seal = store::SealKey::from_secret("the store's key of the test's world").value();
  std::unique_ptr<SigningKeys> keys;
  engine::MemorySharedState shared{clock};
  std::unique_ptr<Lockouts> lockouts;
  std::unique_ptr<AccountService> service;
  std::vector<std::string> refusals; // codes reported to the operator
  std::vector<std::string> deleted;  // users whose deletion the stream reported
  bool hashing_full = false;
  std::optional<exec::FairQueue> hashing_queue; // set: passwords are hashed one by one, when the test says
  bool hash_next() {
    auto work = hashing_queue->pop();
    if (!work) return false;
    work->run();
    turns.run_posted();
    return true;
  }

  [[nodiscard]] Runners runners() {
    return {.control = turns, .hashing = [this](exec::Work work) {
      if (hashing_full) return false;
      if (hashing_queue) {
        auto pushed = hashing_queue->push(std::move(work));
        if (pushed.taken && pushed.dropped) pushed.dropped->dropped();
        return pushed.taken;
      }
      turns.post(std::move(work.run));
      return true;
    }};
  }
  [[nodiscard]] OnRefusal on_refusal() {
    return [this](const Request&, const Refusal& refusal) { refusals.emplace_back(refusal.code()); };
  }

 protected:
  std::vector<Route> table_;

 private:
  void start() {
    turns.forget_repeated();
    store = open_store();
    keys = std::make_unique<SigningKeys>(jose::Signer::make(key_).value(), *store, seal,
        KeyRotationPolicy{.longest_token_life = policy_.access_ttl, .leeway = policy_.leeway}, runners(), clock,
        entropy, null_log());
    keys->start([](Result<bool> ready) { EXPECT_TRUE(ready); });
    lockouts = std::make_unique<MemoryLockouts>(
        clock, LockoutPolicies{.login = policy_.lockout, .factor = policy_.factor_lockout});
    service = std::make_unique<AccountService>(
        *store, *keys, seal, policy_, runners(), shared, *lockouts, clock, entropy, null_log(), metrics);
    service->start();
    service->watch_revocations([this](const std::vector<auth::RevocationEvent>& events) {
      for (const auto& event : events)
        if (event.kind == auth::RevocationEvent::Kind::user && event.reason == auth::RevocationEvent::Reason::deleted)
          deleted.push_back(event.id);
    }, [](WallTime) {});
    turns.run_posted();
    table_ = routes(*service, on_refusal());
  }

  const Route* find(Request& request) {
    for (const auto& route : table_) {
      if (route.method != request.method) continue;
      if (route.path == request.path) return &route;
      const auto brace = route.path.find('{');
      if (brace == std::string::npos) continue;
      const std::string_view before = std::string_view{route.path}.substr(0, brace);
      const std::string_view after = std::string_view{route.path}.substr(route.path.find('}') + 1);
      if (!request.path.starts_with(before) || !request.path.ends_with(after) ||
          request.path.size() <= before.size() + after.size())
        continue;
      std::string arg = request.path.substr(brace, request.path.size() - before.size() - after.size());
      if (arg.contains('/')) continue;
      request.path_args = {std::move(arg)};
      return &route;
    }
    return nullptr;
  }

  AccountsPolicy policy_;
  jose::Key key_;
  int refs_ = 0;
};

} // namespace foyer::accounts::testing_world
