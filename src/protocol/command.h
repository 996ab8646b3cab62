// The commands that clients send, in any dialect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "protocol/terms.h"

namespace foyer::protocol {

enum class CommandType : std::uint8_t {
  authenticate,
  refresh,
  rooms,
  create,
  direct,
  invite,
  accept,
  decline,
  invitations,
  remove,
  join,
  leave,
  chat,
  publish,
  delete_,
  typing,
  history,
  presence,
  agent_request,
  agent_cancel,
  ping,
};

struct Since {
  std::string_view epoch;
  Offset offset = 0;                 // the last one seen
  std::optional<WallTime> time = {}; // of the message at that offset
  std::optional<Offset> change = {}; // the number of the last change received; feature `changes`
};

// The strings are views into the codec's last message, valid until it reads the next one.
struct Command {
  CommandType type{};
  std::optional<std::uint64_t> id;
  std::string_view token;                   // authenticate, refresh; join: of the room, empty: none
  std::string_view ticket;                  // authenticate
  std::optional<Features> features;         // authenticate
  std::optional<std::uint64_t> max_message; // authenticate
  std::string_view room;
  std::string_view user;              // direct, invite, remove
  std::string_view name;              // direct, invite: of the person, in place of user
  std::string_view message;           // chat
  std::string_view data;              // publish: valid JSON text, with the client's whitespace
  std::string_view key;               // chat, publish; empty: none
  std::optional<Since> since;         // join
  std::optional<std::uint32_t> limit; // join, history, rooms
  std::string_view after_room;        // rooms, exclusive; empty: from the first
  std::optional<Offset> before;       // history, exclusive
  std::optional<Offset> after;        // history, exclusive; not together with before
  Offset offset = 0;                  // delete
  bool on = false;                    // typing
};

// What is wrong with a message, for `error BAD_MESSAGE`.
struct BadCommand {
  std::optional<std::uint64_t> id; // if it could be read
  std::string field;               // the member at fault; empty: the whole message
  std::string what;
};

inline constexpr std::uint32_t kRoomsPage = 1'000; // rooms of one page at most, and by default
inline constexpr std::uint32_t kHistoryPage = 50;  // messages of a page of `history` by default
inline constexpr std::uint32_t kHistoryMost = 300; // and at most
inline constexpr std::uint64_t kMaxInteger = (1ULL << 53) - 1;
inline constexpr std::size_t kMaxPersonName = 256; // of `name`
inline constexpr std::size_t kMaxKeyBytes = 128;   // of `key`
inline constexpr int kMaxDataDepth = 32;           // of the objects and arrays in `data`

} // namespace foyer::protocol
