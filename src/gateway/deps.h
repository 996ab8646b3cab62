// A gateway's dependencies and settings, passed in by the composition root,
// shared by all shards, immutable or thread safe, and outliving them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admission/address_limits.h"
#include "admission/door.h"
#include "admission/limits.h"
#include "asking/asking.h"
#include "auth/contract/auth_service.h"
#include "auth/revocation_table.h"
#include "auth/token_verifier.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/executor.h"
#include "base/http.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/local/control_bus.h"
#include "engine/local/fanout.h"
#include "engine/node_questions.h"
#include "engine/room_directory.h"
#include "engine/room_log.h"
#include "gateway/compression.h"
#include "gateway/policy.h"
#include "gateway/unknown_people.h"
#include "http/router.h"
#include "observe/build_info.h"
#include "observe/refusals.h"
#include "protocol/client_codec.h"
#include "rooms/listeners.h"

namespace foyer::gateway {

struct GatewayDeps {
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  engine::RoomLog* room_log;
  engine::RoomDirectory* directory;
  auth::AuthService& auth_service;
  const auth::TokenVerifier& verifier;
  auth::RevocationTable& revocations;
  const http::Router& router;
  observe::RefusalReporter& reporter;
  admission::AddressLimits& addresses;
  admission::UserConnections& users;
  admission::ConnectionLimits& gauges;
  Executor& control; // answers to applications are given here
  // Makes the codec of the dialect that clients speak; called once for each loop.
  std::function<std::unique_ptr<protocol::ClientCodec>()> codec;
  // Called when a token names an unknown key: asks its issuer for a newer key set. True: there is one, verify again;
  // false: there is none; a refusal: it could not be fetched, so the token cannot be judged. Answers on any thread.
  // Empty: the keys are this process's own.
  std::function<void(std::string token, Completion<bool>)> refresh_keys = {};
  asking::Application* application = nullptr; // null: no application is asked
  // Observers, for webhooks; empty: none.
  rooms::OccupancyWatch occupancy = {};
  auth::RevocationWatch revoked = {};
  // The defaults are for a single node.
  std::shared_ptr<engine::Fanout> fanout = std::make_shared<engine::LocalFanout>();
  std::shared_ptr<engine::ControlBus> bus = std::make_shared<engine::LocalControlBus>(engine::NodeId{"local"});
  // Everything that any node took away before this moment is known here (engine::LogWatch::current).
  std::function<void(MonoTime)> rights_current = {};
  // Between nodes (rooms/listeners.h); null: there is one. Then `bus` reaches all nodes, too.
  std::shared_ptr<engine::Fanout> between = {};
  engine::RoomLog* shared_log = nullptr;                // of rooms that are not durable (rooms/listeners.h)
  std::shared_ptr<engine::PresenceStore> presence = {}; // of all nodes; null: each home has its own
  observe::BuildInfo build = {};
  std::string node_name = {};                            // in what names connections; empty: there is one node
  std::shared_ptr<engine::NodeQuestions> questions = {}; // to other nodes; null: there is one
  std::shared_ptr<UnknownPeople> unknown_people = std::make_shared<UnknownPeople>(metrics);
};

} // namespace foyer::gateway
