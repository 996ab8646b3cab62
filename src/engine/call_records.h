// The calls of the server API that had an idempotency key, for a day: what was asked, and what was answered. A call
// that stores a message has its record in the transaction of the message (rooms/model/call_record.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/completion.h"
#include "rooms/model/call_record.h"

namespace foyer::engine {

using rooms::CallKey;
using rooms::StoredCall;

inline constexpr Millis kCallLife{std::chrono::hours{24}};
inline constexpr Millis kCallAbandoned{60'000};      // after its beginning, whoever began it has ended
inline constexpr std::size_t kMostCalls = 1'000'000; // stored at once; beyond, the oldest are deleted earlier

// Answers like those of a RoomLog.
class CallRecords {
 public:
  virtual ~CallRecords() = default;

  // A record older than kCallLife is none.
  virtual void find_call(CallKey key, Completion<std::optional<StoredCall>> done) = 0;
  // Records that it begins, unless there is a record: then that is the answer, and nothing changes. A call that began
  // kCallAbandoned ago and has no end begins anew.
  virtual void begin_call(CallKey key, std::string body_hash, Completion<std::optional<StoredCall>> done) = 0;
  // Records its answer, whether or not its beginning was recorded. Of several, the first one stays.
  virtual void finish_call(CallKey key, std::string body_hash, std::string answer, Completion<bool> done) = 0;
  // It had no effect: it may be tried again. One that is done stays.
  virtual void forget_call(CallKey key, Completion<bool> done) = 0;
};

} // namespace foyer::engine
