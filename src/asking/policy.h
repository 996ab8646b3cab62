// Which applications are asked, about what and how.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"

namespace foyer::asking {

// An [[ask]] table; config/entry_tables_ask.cc says what each member means.
struct Table {
  std::string name = {};
  std::string url = {};
  std::string ca_file = {};
  std::vector<std::string> events = {};
  std::vector<std::string> rooms{"*"}; // of subscribe and publish
  std::string secret = {}, secret_file = {};
  std::vector<std::string> headers = {}; // of the handshake, passed on
  Millis timeout{1'000};                 // of a question, with all attempts
  Millis ask_cache{0};                   // how long answers are remembered
};

inline constexpr std::size_t kQuestions = 1'000;    // under way at one table; above: BUSY
inline constexpr std::size_t kRemembered = 10'000;  // answers of one table; beyond, the oldest go
inline constexpr std::size_t kConnections = 32;     // to one application
inline constexpr Millis kIdleConnection{4'000};     // many servers close after 5 s
inline constexpr Millis kLongestPause{60'000};      // that an answer can ask for with Retry-After
inline constexpr std::size_t kTextBytes = 200;      // of the application's text; the rest is cut off
inline constexpr std::size_t kMetaBytes = 4 * 1024; // kept with each connection
inline constexpr std::size_t kRoomsOfAnswer = 100;  // in `channels`, and in `claims.rooms`
inline constexpr std::size_t kNameBytes = 128;      // of a user
inline constexpr std::size_t kHeaders = 16;         // that a table passes on

} // namespace foyer::asking
