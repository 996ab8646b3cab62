// A call of the server API with an idempotency key, and the answer that a repeated call will get.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace foyer::rooms {

struct Appended;

// Identifies a call: the API key that made it, its method, and its idempotency key.
struct CallKey {
  std::string api_key;
  std::string method;
  std::string idempotency_key;
  friend auto operator<=>(const CallKey&, const CallKey&) = default;
};

// What is stored about a call.
struct StoredCall {
  std::string body_hash;
  bool done = false; // otherwise it has begun, and nothing is known of its end
  std::string answer;
};

// The record of a call that stores a message. It is stored in the message's transaction, so that both exist or neither.
// If there is a record of the call already, the message is refused (KEY_REUSED).
class CallRecord {
 public:
  // `answer_of` makes the answer to the call. It runs on the store's thread and must be fast.
  CallRecord(CallKey call, std::string hash, std::function<std::string(const Appended&)> answer_of)
      : key(std::move(call)),
        body_hash(std::move(hash)),
        answer(std::move(answer_of)) {}

  const CallKey key;
  const std::string body_hash;
  const std::function<std::string(const Appended&)> answer;

  // Called by the store in the transaction; never by a log that is not durable.
  void note_stored() const { stored_.store(true, std::memory_order_release); }
  [[nodiscard]] bool stored() const { return stored_.load(std::memory_order_acquire); }

  // By the store, before it refuses the message. The other is for whoever got that refusal.
  void note_earlier(StoredCall call) const { earlier_ = std::move(call); }
  [[nodiscard]] const std::optional<StoredCall>& earlier() const { return earlier_; }

 private:
  mutable std::atomic<bool> stored_{false};
  mutable std::optional<StoredCall> earlier_;
};
using CallRecordPtr = std::shared_ptr<const CallRecord>;

} // namespace foyer::rooms
