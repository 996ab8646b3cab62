// Limits of the server API that are not options. docs/limits.md lists them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace foyer::api {

inline constexpr int kDepth = 32;                                  // nested objects and lists in one request
inline constexpr std::int64_t kMostCommands = 1'000;               // of one batch, or lines of one request
inline constexpr std::int64_t kMostChannels = 1'000;               // of one broadcast
inline constexpr std::int64_t kMostRead = 10'000;                  // publications in one answer
inline constexpr std::size_t kAnswerBytes = 4'194'304;             // of publications, after which an answer ends
inline constexpr std::size_t kMostPresent = 10'000;                // connections in one answer
inline constexpr std::int64_t kMostRooms = 1'000;                  // of one page of `rooms`
inline constexpr std::size_t kMostLookedAt = 10'000;               // rooms, for one page
inline constexpr std::int64_t kMostClients = 1'000;                // of one page of `connections`
inline constexpr std::int64_t kMostStatuses = 1'000;               // users in one `get_user_status`
inline constexpr std::int64_t kMostKept = 1'000;                   // connections in one whitelist
inline constexpr std::int64_t kMostMembers = 1'000;                // of a new room
inline constexpr std::int64_t kNameLength = 255;                   // characters of a name or id
inline constexpr std::int64_t kKeyLength = 64;                     // characters of an idempotency key
inline constexpr std::int64_t kMostOffset = 9'007'199'254'740'991; // exact in every JSON reader

} // namespace foyer::api
