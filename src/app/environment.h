// What a server runs on, passed in by its owner: the process of `foyer serve` with threads and a network, or
// the scenarios with one thread, virtual time and a network in memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "accounts/store.h"
#include "app/auth_part.h"
#include "app/between_nodes.h"
#include "app/shared_accounts.h"
#include "asking/asking.h"
#include "auth/transport.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/http_pool.h"
#include "engine/sql/chat_store.h"
#include "exec/fair_queue.h"
#include "hooks/sender.h"
#include "io/transport.h"
#include "observe/build_info.h"
#include "observe/health.h"
#include "protocol/client_codec.h"
#include "store/seal.h"

namespace foyer::app {

// The references, the loops and everything that the functions use must outlive the server.
struct Environment {
  std::vector<io::Loop*> loops;
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  Executor& control; // the control plane: one task at a time, not on a thread of a loop
  std::function<bool(exec::Work)> hashing =
      {}; // for the auth role; any thread; false: the queue is full, and the work is dropped
  // Makes persistent connections to another server: an auth service in another process, an issuer, an application.
  std::function<std::unique_ptr<auth::Transport>(client::PoolOptions)> connect = {};
  // Makes the sender of requests to webhooks. Empty: nothing is sent, and events stay in the outbox.
  std::function<hooks::Post(client::PoolOptions)> post = {};
  observe::BuildInfo build = {};
  MonoTime began{}; // when the process started, before its port was open

  std::unique_ptr<engine::ChatStore> chat = {};          // for the gateway role
  BetweenNodes between = {};                             // likewise, with several nodes
  std::unique_ptr<accounts::AccountStore> accounts = {}; // for the auth role
  SharedAccounts shared_accounts = {};                   // likewise; without entries: in memory
  std::optional<store::SealKey> seal = {};               // for secrets in both stores; required by the auth role

  std::vector<observe::HealthCheck> ready = {}; // in addition to the server's own
  // Overrides of the configuration, for tests.
  std::unique_ptr<AuthPart> auth = {};
  std::function<std::unique_ptr<protocol::ClientCodec>()> codec = {};
  std::unique_ptr<asking::Application> application = {};
};

} // namespace foyer::app
