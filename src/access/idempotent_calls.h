// Calls with an idempotency key: the first one runs, every repetition within a day gets its answer. A repetition that
// comes while the first one runs waits for it.
//
//   calls.run({.key = {key_id, "publish", "order-7"}, .body_hash = hash, .effect = CallEffect::message},
//       [](CallRecordPtr record, Completion<string> done) { … done(answer); }, [](Result<CallAnswer> answer) { … });
//
// With CallEffect::message the work passes its record to the append, and the record is stored in the transaction of
// the message: it happens once. Nothing is looked up before, because nearly every call is a first one: the store
// refuses the message of a call that it knows. With CallEffect::other the beginning is recorded before the work: when
// the process ends in between, a repetition runs it again, at least once. With several nodes the beginning may be that
// of another one, which is still running it: then the call waits for its end, and is BUSY until it counts as abandoned.
#pragma once

#include <cstdint>
#include <functional>
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
#include "engine/call_records.h"
#include "rooms/model/call_record.h"
#include "rooms/model/history.h"

namespace foyer::access {

inline constexpr std::size_t kIdempotencyKeyBytes = 255;

// SHA-256 of a body, whatever the order of its members and its white space; without the member that is the key.
[[nodiscard]] std::string hash_of_call(const json::Object& body, std::string_view key_member = "idempotency_key");

enum class CallEffect : std::uint8_t {
  message, // stores one message, in a durable room
  memory,  // something that only the memory of this process keeps: so is the record (recent_calls.h)
  other,
};

struct CallRequest {
  rooms::CallKey key;
  std::string body_hash;
  CallEffect effect{};
  std::function<std::string(const rooms::Appended&)> answer = {}; // with CallEffect::message: the answer of the call
};

class IdempotentCalls {
 public:
  static constexpr Millis kWait{5'000};               // for the first call; then BUSY
  static constexpr Millis kLookEvery{100};            // for the end of a call that another node runs
  static constexpr std::size_t kMostWaiting = 10'000; // repetitions that wait; more: BUSY

  // The work of a call. `record`: for the append, with CallEffect::message. `done` may be called on any thread.
  using Work = std::move_only_function<void(rooms::CallRecordPtr record, Completion<std::string> done)>;

  enum class Nodes : std::uint8_t { one, many };

  // The references must outlive it.
  IdempotentCalls(
      engine::CallRecords& store, Executor& control, const Clock& clock, Metrics& metrics, Nodes nodes = Nodes::one);
  ~IdempotentCalls();
  IdempotentCalls(const IdempotentCalls&) = delete;
  IdempotentCalls& operator=(const IdempotentCalls&) = delete;

  // Any thread. KEY_REUSED (field idempotency_key) for another body under a used key; BUSY; what the store refuses
  // with; what the work refuses with, which is not kept: the call may be tried again. With CallEffect::other, `work`
  // and `done` run on the control plane. With CallEffect::message, `work` may run before the call returns, even for a
  // repetition, and `done` may be called on any thread; CallEffect::memory: as RecentCalls says.
  void run(CallRequest request, Work work, Completion<CallAnswer> done);

 private:
  struct Life;  // shared with answers that are under way
  struct State; // the running calls; likewise

  // Otherwise it waits for the first call, or is refused.
  [[nodiscard]] bool is_first(const CallRequest& request, Completion<CallAnswer>& done);
  void gave_up(const rooms::CallKey& key, std::uint64_t number);
  void start_message(CallRequest request, Work work);
  void message_refused(const rooms::CallRecordPtr& record, Refusal why);
  void start_other(CallRequest request, Work work, MonoTime until);
  void begun(CallRequest request, Work work, MonoTime until, Result<std::optional<engine::StoredCall>> known);
  void worked(CallRequest request, Result<std::string> answer);
  template <class T>
  [[nodiscard]] Completion<T> posted(std::move_only_function<void(IdempotentCalls&, Result<T>)> then);

  engine::CallRecords& store_;
  Executor& control_;
  const Clock& clock_;
  const Nodes nodes_;
  RecentCalls recent_;
  std::shared_ptr<State> state_;
  std::shared_ptr<Life> life_;
};

} // namespace foyer::access
