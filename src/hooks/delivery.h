// The machine for one hook: which of its events is sent when. It knows the events that were read from the outbox, a
// bounded number, and is told of answers; it says what to do, and when to ask again.
//
//   delivery.written();                         // there may be more in the outbox
//   for (;;) { Todo todo = delivery.next(now, wall); … }
//   delivery.read(page, events);                // what a Todo asked for
//   delivery.answered(number, outcome, now, wall);
//
// Events of one room go out one after the other; a failed one holds back its room and no other. Events about no room
// are one room. A room whose events are not all in memory is read again when they were sent.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/cause.h"
#include "base/clock.h"
#include "engine/hooks.h"
#include "hooks/policy.h"

namespace foyer::hooks {

// The end of an attempt.
struct Outcome {
  enum class Kind : std::uint8_t {
    sent,
    refused, // the receiver does not want this event: a few tries
    failed,  // it may want it later
    gone,    // it wants no events any more
  } kind{};
  Cause cause{}; // of anything but `sent`
  std::string evidence = {};
  std::optional<Millis> retry_after = {};
};

class Delivery {
 public:
  Delivery(const DeliveryPolicy& policy, Entropy& entropy) : policy_(policy), entropy_(entropy) {}

  struct Page {
    std::optional<std::string> room; // nothing: all rooms
    std::uint64_t after = 0;
    std::size_t limit = 0;
  };
  struct Buried {
    std::uint64_t number = 0;
    std::uint32_t tries = 0;
    std::string why;
  };
  struct Todo {
    std::vector<engine::HookEvent> send;
    std::vector<std::uint64_t> sent; // to delete from the outbox
    std::vector<Buried> bury;
    std::optional<Page> read;
    std::optional<std::string> disable; // why; nothing is sent any more
    [[nodiscard]] bool nothing() const { return send.empty() && sent.empty() && bury.empty() && !read && !disable; }
  };

  void written() { behind_ = true; }
  // Once for each Todo::read.
  void read(const Page& page, std::vector<engine::HookEvent> events);
  void read_failed(const Page& page); // the next Todo asks for it again
  void answered(std::uint64_t number, const Outcome& outcome, MonoTime now, WallTime wall);

  [[nodiscard]] Todo next(MonoTime now, WallTime wall);
  // When next() has something to do although nothing happened.
  [[nodiscard]] std::optional<MonoTime> wakes() const;

  // Of the events in memory, when the oldest came to the outbox.
  [[nodiscard]] std::optional<WallTime> oldest() const;
  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }

 private:
  struct Room {
    std::deque<engine::HookEvent> events;
    std::uint64_t last = 0;     // the number of the last event that was in memory
    bool more = false;          // the outbox has events behind `last`, which were not taken
    bool sending = false;       // the first
    std::uint32_t tries = 0;    // of the first
    std::uint32_t failures = 0; // since one was sent
    std::string why = {};       // of the last failure
  };

  void take(engine::HookEvent event, bool of_its_room);
  void drop_first(const std::string& name, Room& room);
  void due(const std::string& name, const Room& room);
  void bury_first(const std::string& name, Room& room, std::string why);
  void start_due(MonoTime now, WallTime wall, Todo& todo);
  [[nodiscard]] Millis pause(const Room& room, const Outcome& outcome);
  [[nodiscard]] std::optional<Page> page();

  const DeliveryPolicy policy_;
  Entropy& entropy_;
  std::unordered_map<std::string, Room> rooms_;
  std::deque<std::string> due_;                              // rooms whose first event may be sent
  std::multimap<MonoTime, std::string> later_;               // rooms that wait after a failure
  std::deque<std::string> unread_;                           // rooms without events in memory, with more in the outbox
  std::unordered_map<std::uint64_t, std::string> in_flight_; // the room of the event with that number
  std::size_t in_memory_ = 0;
  std::uint64_t read_to_ = 0; // events up to this number were read, or their room has `more`
  bool behind_ = false;       // there may be events behind it
  bool reading_ = false;
  Todo done_; // sent and buried since the last next(), and the end
  bool ended_ = false;
};

} // namespace foyer::hooks
