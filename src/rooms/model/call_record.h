// A call of the server API that has an idempotency key, and the answer that a repetition of it will get.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace foyer::rooms {

struct Appended;

// Names one call: the key with which it came, its method, and the caller's own name for it.
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

// For a call that stores a message: the record is stored in the transaction of the message, so that there is
// neither one without the other. If there is a record of the call already, the message is refused (KEY_REUSED).
class CallRecord {
 public:
  // `answer_of` makes the answer of the call; it runs on the thread of the store, and must be short.
  CallRecord(CallKey call, std::string hash, std::function<std::string(const Appended&)> answer_of)
      : key(std::move(call)),
        body_hash(std::move(hash)),
        answer(std::move(answer_of)) {}

  const CallKey key;
  const std::string body_hash;
  const std::function<std::string(const Appended&)> answer;

  // By the store, in the transaction; a log that is not durable never does.
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
