// For tests of the connections between gateway and auth service: virtual time around the
// network of client_test_world.h, or around one that answers as the test says.
#pragma once

#include "auth/testing/remote_world.h"

namespace foyer::auth::testing_world {

// Each request is answered by `serve`, after 2 ms; otherwise never.
class ScriptedServer final : public Transport {
 public:
  explicit ScriptedServer(Executor& control) : control_(control) {}
  std::function<std::optional<client::HttpResult>(const Call&)> serve;
  std::vector<Call> seen;
  bool sign_answers = true;

  void send(Call call, client::HttpCompletion done) override {
    seen.push_back(call);
    auto result = serve(call);
    if (!result) return held_.push_back(std::move(done));
    const std::string* nonce = call.headers.find(kServiceNonceHeader);
    if (*result && nonce != nullptr && sign_answers)
      (*result)->headers.set(kAnswerSignatureHeader,
          sign_answer(service_key(kServiceSecret), *call.headers.find(kServiceIdHeader), *nonce, (*result)->status,
              (*result)->body));
    control_.after(
        Millis{2}, [result = std::move(*result), done = std::move(done)]() mutable { done(std::move(result)); });
  }
  static client::HttpResult failed(client::NetError::Kind kind, std::string what = "it is so",
      client::NetError::Phase phase = client::NetError::Phase::connecting) {
    return std::unexpected(client::NetError{.kind = kind, .what = std::move(what), .phase = phase});
  }

 private:
  Executor& control_;
  std::vector<client::HttpCompletion> held_;
};

struct LinkWorld {
  explicit LinkWorld(std::uint64_t seed = 1) : entropy(seed) {}
  Context around(Transport& transport) {
    return {
        .clock = clock, .entropy = entropy, .log = log, .metrics = metrics, .transport = transport, .control = control};
  }
  void pass(Millis time) { foyer::pass(clock, control, time); }
  [[nodiscard]] std::string lines() const {
    std::string out;
    for (const auto& line : log.lines) out += line + "\n";
    return out;
  }

  ManualClock clock;
  FixedEntropy entropy;
  KeptLog log;
  Metrics metrics;
  ManualExecutor control{clock};
  VirtualServer server{clock, control};
  ScriptedServer scripted{control};
};

} // namespace foyer::auth::testing_world
