// What a gateway stands on and how it behaves: handed in by the composition root,
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
#include "auth/contract/auth_service.h"
#include "auth/local_verifier.h"
#include "auth/revocation_table.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/executor.h"
#include "base/http.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/room_directory.h"
#include "engine/room_log.h"
#include "gateway/compression.h"
#include "gateway/unknown_people.h"
#include "http/router.h"
#include "observe/refusals.h"
#include "protocol/client_codec.h"
#include "rooms/room_home.h"
#include "rooms/user_use.h"

namespace foyer::gateway {

struct GatewayPolicy {
  admission::DoorPolicy door;
  bool reveal = false; // ENVIRONMENT=development: clients get the operator's text, too
  Millis authenticate_timeout{10'000};
  Millis heartbeat_interval{20'000};
  Millis heartbeat_timeout{8'000};
  Millis token_warning{60'000}; // token_expiring comes this long before the end
  Millis leeway{30'000};        // the end of a token is its exp plus this
  Millis drain_timeout{8'000};
  Millis close_linger{1'000}; // reading on after Close, so that a reset cannot destroy the last message
  std::uint32_t message_bytes = 64 * 1024;
  std::uint32_t text_bytes = 16 * 1024;
  std::uint32_t name_bytes = 64; // of a room's name, after its prefix
  std::uint32_t rooms_per_connection = 100;
  std::uint32_t messages_per_s = 100;
  std::uint32_t messages_burst = 400;
  std::uint64_t bytes_per_s = 16 * 1024 * 1024;
  std::uint64_t bytes_burst = 64 * 1024 * 1024;
  std::uint32_t bad_messages = 10; // in 10 s
  std::size_t outbox_bytes = 1024 * 1024;
  std::size_t answer_bytes =
      8 * 1024 * 1024; // on top of it for what the client asked for: 300 messages of 16 KiB are one answer
  std::size_t joining_bytes = 1024 * 1024; // live messages held back while a join reads history
  CompressionPolicy compression;
  rooms::UserPolicy user;
  rooms::RoomPolicy rooms;
};

struct GatewayDeps {
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  engine::RoomLog* room_log;
  engine::RoomDirectory* directory;
  auth::AuthService& auth_service;
  auth::LocalVerifier& verifier;
  auth::RevocationTable& revocations;
  const http::Router& router;
  observe::RefusalReporter& reporter;
  admission::AddressLimits& addresses;
  admission::UserConnections& users;
  admission::ConnectionLimits& gauges;
  // Makes the dialect that clients speak, one codec for each loop.
  std::function<std::unique_ptr<protocol::ClientCodec>()> codec;
  // A token names a key that is not known: asks whether there is a newer key set. True:
  // look again; false: there is none; a refusal: it could not be asked, and the keys at
  // hand are not to be relied upon. Answers on any thread. Empty: the keys are this process's own.
  std::function<void(Completion<bool>)> refresh_keys = {};
  // An account was deleted; told again after a restart. Empty: somebody else knows.
  std::function<void(UserId)> on_deleted = {};
  std::shared_ptr<UnknownPeople> unknown_people = std::make_shared<UnknownPeople>(metrics);
};

} // namespace foyer::gateway
