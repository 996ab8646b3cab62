// The history of one room in memory, bounded, with an epoch of its own. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/metrics.h"
#include "engine/values.h"

namespace foyer::engine {

struct HistoryLimits {
  std::size_t messages = 300;   // stored; older ones are dropped
  std::size_t bytes = 4u << 20; // of stored text
  std::size_t keys = 10'000;    // remembered; while all are younger than kKeyLife a further one is RATE_LIMITED
};

// The texts of all such histories of one log, together.
struct MemoryShare {
  std::size_t limit = SIZE_MAX;
  std::size_t used = 0;
  Counter* refused = nullptr; // messages refused because it was full
};

class RoomHistory {
 public:
  // `share` outlives this; null: none.
  explicit RoomHistory(Epoch epoch, HistoryLimits limits = {}, MemoryShare* share = nullptr)
      : epoch_(std::move(epoch)),
        limits_(limits),
        share_(share) {}
  ~RoomHistory() { count(0); }
  RoomHistory(const RoomHistory&) = delete;
  RoomHistory& operator=(const RoomHistory&) = delete;

  // KEY_REUSED for another body under a used key; RATE_LIMITED when no key can be forgotten; BUSY when
  // the share is used up.
  // `now`: the clock of question.time without its jumps.
  [[nodiscard]] Result<Appended> append(AppendRequest question, MonoTime now);
  // NOT_FOUND, PERMISSION_DENIED.
  [[nodiscard]] Result<Erased> erase(Offset offset, const UserId& by, bool any);
  void clear(); // the offsets continue
  [[nodiscard]] HistoryPage history(const HistoryRequest& question) const;
  // The number of the change, if there was anything to change.
  [[nodiscard]] std::optional<Offset> detach_author(const UserId& user, Forget what);

  [[nodiscard]] const Epoch& epoch() const { return epoch_; }
  [[nodiscard]] Offset offset() const { return last_; }
  [[nodiscard]] Offset change() const { return last_change_; }
  // Of the message at that offset, if it still exists.
  [[nodiscard]] std::optional<WallTime> time_of(Offset offset) const;
  // The offsets continue, under another epoch.
  void renew(Epoch epoch) { epoch_ = std::move(epoch); }

 private:
  struct Key {
    std::string digest; // of the body
    Offset offset = 0;
    WallTime time{};
  };
  void erase_body(Message& message);
  Offset add_change(Change change);
  void forget_keys(MonoTime now);
  void trim();
  void count(std::size_t bytes); // stored from now on

  Epoch epoch_;
  HistoryLimits limits_;
  MemoryShare* share_;
  Offset last_ = 0;
  Offset last_change_ = 0;
  std::deque<Change> changes_;   // the newest
  std::deque<Message> messages_; // without gaps: the last one is at last_
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, Key> keys_; // by author, zero byte, key
  std::deque<std::pair<MonoTime, std::string>> key_ages_;
};

} // namespace foyer::engine
