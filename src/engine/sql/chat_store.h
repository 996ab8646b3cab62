// One database as log and directory of the rooms. One writer thread does all
// changes, in the order of the calls, many to a transaction (group commit); a
// change is answered after its commit and never before. Reads have their own
// connection and thread, and see every change that was answered before they were
// requested. Callbacks run on the store's threads, or at once on the caller's with BUSY
// when a queue is full; they must be short: the gateway posts to the owning loop.
#pragma once

#include <cstddef>
#include <optional>

#include "engine/api_keys.h"
#include "engine/call_records.h"
#include "engine/hooks.h"
#include "engine/room_directory.h"
#include "engine/room_log.h"
#include "engine/subject_endings.h"
#include "store/age_gate.h"

namespace foyer::engine {

class NodeTail;

// For its owner, which starts, stops and monitors it; others use one of the two interfaces.
class ChatStore : public RoomLog, public RoomDirectory {
 public:
  // Other processes may change the first three, too (access_store.h, hook_store.h).
  [[nodiscard]] virtual ApiKeys& api_keys() = 0;
  [[nodiscard]] virtual SubjectEndings& endings() = 0;
  [[nodiscard]] virtual CallRecords& calls() = 0;
  [[nodiscard]] virtual Hooks& hooks() = 0;
  [[nodiscard]] virtual HookOutbox& outbox() = 0;

  // Whether deletion by age runs or waits until the clock is trusted; nothing: nothing is deleted by age. Any
  // thread.
  [[nodiscard]] virtual std::optional<store::UpkeepState> upkeep_state() const = 0;
  // An operator confirms the clock: rows past their age limit are deleted now. Any thread.
  virtual void upkeep_now() = 0;

  // Reads what other nodes do; null: there are none. Sources are added before watch().
  [[nodiscard]] virtual NodeTail* tail() = 0;

  // Refuses later requests with BUSY and finishes queued ones.
  virtual void close() = 0;

  // Can it write now? For /health/ready; any thread, does not block on I/O.
  [[nodiscard]] virtual Result<bool> probe() = 0;
  [[nodiscard]] virtual std::size_t queued() const = 0; // gauge
};

} // namespace foyer::engine
