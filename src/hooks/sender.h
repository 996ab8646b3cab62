// Sends the outbox to the webhooks. All on one executor (the control plane); the store answers on its own threads.
//
// A hook that was added, changed or removed is noticed within `look_every`. Metrics:
//   foyer_webhook_attempts_total{outcome}   sent, refused, failed
//   foyer_webhook_dead_letters_total        events given up
//   foyer_webhook_lag_seconds               how long the oldest event that is being sent has waited
//   foyer_webhook_requests                  in flight
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/http_pool.h"
#include "engine/hooks.h"
#include "hooks/policy.h"
#include "store/seal.h"

namespace foyer::hooks {

// Requests to one server. `done` is called once, later, on the executor; not at all once it is destroyed.
using Post = std::move_only_function<void(client::PoolCall call, client::HttpCompletion done)>;

// Everything outlives the sender.
struct SenderDeps {
  engine::Hooks& hooks;
  engine::HookOutbox& outbox;
  Executor& control;
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  std::optional<store::SealKey> seal; // of the secrets; none: no hook can be used, which is logged
  std::function<Post(client::PoolOptions)> connect;
  std::string user_agent;
};

class Sender {
 public:
  Sender(SenderDeps deps, SenderPolicy policy = {});
  ~Sender(); // on the executor, or when it has stopped
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void start(); // any thread

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::hooks
