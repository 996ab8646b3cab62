// The settings of a gateway. Options of config/table.h point here; app/policies.h
// adds values that follow from several options.
#pragma once

#include <cstddef>
#include <cstdint>

#include "admission/policy.h"
#include "base/clock.h"
#include "http/policy.h"
#include "rooms/policy.h"

namespace foyer::gateway {

struct CompressionPolicy {
  bool enabled = true;
  bool takeover = false;
  std::size_t min_bytes = 512;
  // Longer messages are sent uncompressed: compressing them would delay the whole loop.
  std::size_t max_bytes = 256 * 1024;
};

struct GatewayPolicy : http::SocketPolicy {
  admission::DoorPolicy door;
  Millis authenticate_timeout{10'000};
  Millis heartbeat_interval{20'000};
  Millis heartbeat_timeout{8'000};
  Millis token_warning{60'000}; // time from token_expiring to the end
  Millis leeway{30'000};        // a token is accepted until its exp plus this
  std::uint32_t message_bytes = 64 * 1024;
  std::uint32_t text_bytes = 16 * 1024;
  std::uint32_t name_bytes = 64; // of a room's name, after its prefix
  std::uint32_t rooms_per_connection = 100;
  std::uint32_t messages_per_s = 100;
  std::uint32_t messages_burst = 400;
  std::uint64_t bytes_per_s = 16 * 1024 * 1024;
  std::uint64_t bytes_burst = 64 * 1024 * 1024;
  std::uint32_t bad_messages = 10; // in 10 s
  // In addition to outbox_bytes, for answers to commands: one answer may hold 300 messages of 16 KiB.
  std::size_t answer_bytes = 8 * 1024 * 1024;
  std::size_t joining_bytes = 1024 * 1024; // live messages held back while a join reads history
  CompressionPolicy compression;
  rooms::UserPolicy user;
  rooms::RoomPolicy rooms;
};

// Replaces each 0 that stands for a multiple of another value.
[[nodiscard]] GatewayPolicy resolved(GatewayPolicy policy);

} // namespace foyer::gateway
