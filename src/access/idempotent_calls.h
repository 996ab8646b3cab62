// Calls with an idempotency key: the first one runs, every repetition within a day gets its answer. A repetition that
// comes while the first one runs waits for it.
//
//   calls.run({.key = {key_id, "publish", "order-7"}, .body_hash = hash, .effect = Effect::message},
//       [](Started started) { … started.done(answer); }, [](Result<CallAnswer> answer) { … });
//
// With Effect::message the work passes `started.record` to the append, and the record is stored in the transaction of
// the message: it happens once. With Effect::other the beginning is recorded before the work: when the process ends in
// between, a repetition runs it again, at least once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/recent_calls.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/executor.h"
#include "base/json.h"
#include "base/limit_metrics.h"
#include "engine/call_records.h"
#include "rooms/model/call_record.h"
#include "rooms/model/history.h"

namespace foyer::access {

inline constexpr std::size_t kIdempotencyKeyBytes = 255;

// SHA-256 of a body, whatever the order of its members and its white space; without the member that is the key.
[[nodiscard]] std::string hash_of_call(const json::Object& body, std::string_view key_member = "idempotency_key");

enum class CallEffect : std::uint8_t {
  message, // stores one message; in a room that keeps none, the record is stored afterwards
  memory,  // something that only the memory of this process keeps: so is the record (recent_calls.h)
  other,
};

struct CallRequest {
  rooms::CallKey key;
  std::string body_hash;
  CallEffect effect{};
  std::function<std::string(const rooms::Appended&)> answer = {}; // with Effect::message: the answer of the call
};
class IdempotentCalls {
 public:
  static constexpr Millis kWait{5'000};               // for the first call; then BUSY
  static constexpr std::size_t kMostWaiting = 10'000; // repetitions that wait; more: BUSY

  // The work of a call. `record`: for the append, with CallEffect::message. `done` may be called on any thread.
  using Work = std::move_only_function<void(rooms::CallRecordPtr record, Completion<std::string> done)>;

  // The references must outlive it.
  IdempotentCalls(engine::CallRecords& store, Executor& control, const Clock& clock, Metrics& metrics);
  ~IdempotentCalls();
  IdempotentCalls(const IdempotentCalls&) = delete;
  IdempotentCalls& operator=(const IdempotentCalls&) = delete;

  // Any thread; `work` and `done` run on the control plane, with CallEffect::memory as RecentCalls says. KEY_REUSED
  // (field idempotency_key) for another body under a used key; BUSY; what the store refuses with; what the work refuses
  // with, which is not kept: the call may be tried again.
  void run(CallRequest request, Work work, Completion<CallAnswer> done);

 private:
  struct Waiting {
    Completion<CallAnswer> done;
    TimerId timer = 0;
  };
  struct Running {
    std::string body_hash;
    Completion<CallAnswer> done;
    std::map<std::uint64_t, Waiting> waiting; // by number
  };
  struct Life; // shared with answers that are under way

  void enter(CallRequest request, Work work, Completion<CallAnswer> done);
  void join(const rooms::CallKey& key, Running& running, const std::string& body_hash, Completion<CallAnswer> done);
  void gave_up(const rooms::CallKey& key, std::uint64_t number);
  void found(CallRequest request, Work work, Result<std::optional<engine::StoredCall>> known);
  void worked(CallRequest request, rooms::CallRecordPtr record, Result<std::string> answer);
  void end(const rooms::CallKey& key, Result<CallAnswer> answer);
  template <class T>
  [[nodiscard]] Completion<T> posted(std::move_only_function<void(IdempotentCalls&, Result<T>)> then);

  engine::CallRecords& store_;
  Executor& control_;
  LimitMeter meter_;
  RecentCalls recent_;
  std::map<rooms::CallKey, Running> running_;
  std::uint64_t last_number_ = 0;
  std::size_t waiting_ = 0;
  std::shared_ptr<Life> life_;
};

} // namespace foyer::access
