// Follows one room's stream. Events get lost, duplicated, delayed and reordered; the log has
// them all. The delivered offsets rise by one, without gaps and duplicates:
//
//   arrived 5, 6, 9        Deliver 5, Deliver 6, ReadHistory (6, 8]; 9 is held back
//   page 7, 8              Deliver 7, Deliver 8, Deliver 9
//
// Three kinds of events (Delivery):
//
//   history        Events of another epoch are dropped: the epoch's name does not show whether it is
//                  newer or older, so the position is confirmed, which also recovers the dropped events.
//   about_history  Delivered at once and as often as it arrives (its number identifies duplicates), in the followed
//                  epoch only. A message up to its offset that was not delivered yet is never delivered from a
//                  copy older than the change: it is read from the log again, which shows the change.
//   ephemeral      Delivered at once, in any epoch and in spite of gaps.
//
// The log is read through pages, perhaps from a lagging reader: a page that contradicts what is
// known never ends anything; it causes a confirmation of the position. A position comes from the place that gives
// offsets. Another epoch, or a head behind what was known to be stored at the time of the request: Lost,
// and nothing of the old history is delivered after it. A head that is behind in the *same* epoch
// would give offsets twice, so nothing is delivered until a position names a new epoch.
//
// Pure: no clock, no I/O. The driver carries out the actions in order. It answers each ReadHistory
// with page() or read_failed(), retries each ConfirmPosition until there is an answer for position(), and calls
// tick() at due(). Not thread-safe.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "rooms/model/event.h"
#include "rooms/model/history.h"

namespace foyer::rooms {

struct FollowerLimits {
  std::size_t held_events = 1'000;      // behind a gap; further ones are dropped and read from the log later
  std::size_t held_bytes = 1024 * 1024; // likewise, of their texts
  Millis patience{10'000};              // without a new event while something is missing; then it is Lost
  Millis first_retry{100};              // of a read that failed or returned nothing; doubled
  Millis longest_retry{2'000};          // up to this
  std::uint32_t page = kHistoryLimit;   // events per read
};

enum class LossReason : std::uint8_t {
  epoch_changed, // the room has another history now
  went_back,     // the log lacks what it had, and there is no new epoch yet
  not_kept,      // the missing events were deleted by age before they were delivered
  unreadable,    // the missing events could not be read for FollowerLimits::patience
};

struct Deliver {
  EventPtr event;
};
// The events of (after, to], oldest first, at most `limit`.
struct ReadHistory {
  std::uint64_t read = 0; // identifies this read in its answer
  Offset after = 0;
  Offset to = 0;
  std::uint32_t limit = 0;
};
// Ask the place that gives offsets for the room's position, unless a request is already in progress.
struct ConfirmPosition {};
// The listener received everything up to `delivered` and gets nothing more until it joins again, at {epoch, offset}
// or later. The follower continues from there.
struct Lost {
  LossReason reason{};
  std::string why;
  Offset delivered = 0;
  Epoch epoch = {};
  Offset offset = 0;
  EventPtr last = {}; // the event at `offset`, if known
};
using Action = std::variant<Deliver, ReadHistory, ConfirmPosition, Lost>;
// Nearly always a single action.
using Actions = boost::container::small_vector<Action, 1>;

// What was known of the stream when the log was queried. Taken with the request, passed in with its answer: later
// events then cannot make an answer look like a step back.
struct Standpoint {
  Epoch epoch = {};
  Offset stored = 0;        // the highest offset known to be stored
  std::uint64_t moment = 0; // counts the follower's doubts: this answer does not settle later ones
};
struct StreamPosition {
  Epoch epoch = {};
  Offset head = 0;
  Standpoint asked = {};
};

struct Page {
  std::uint64_t read = 0;
  Epoch epoch = {}; // the log's epoch at the time of reading
  Offset head = 0;
  Offset change = 0;                 // the number of the room's last change, as far as the events show it
  std::vector<EventPtr> events = {}; // ascending
};

class StreamFollower {
 public:
  // `limits` outlives this.
  explicit StreamFollower(const FollowerLimits& limits) : limits_(limits) {}

  // Starts at this position without notifying the listener; requests in progress are forgotten.
  void follow(Epoch epoch, Offset offset);

  [[nodiscard]] Actions arrived(EventPtr event, MonoTime now);
  // Reports that the log reaches at least `head`; duplicates and old heads are harmless.
  [[nodiscard]] Actions announced(const Epoch& epoch, Offset head, MonoTime now);
  [[nodiscard]] Actions page(const Page& page, MonoTime now);
  [[nodiscard]] Actions read_failed(std::uint64_t read, std::string why, MonoTime now);
  [[nodiscard]] Actions position(const StreamPosition& position, MonoTime now);
  // An attempt to confirm failed; the driver retries.
  [[nodiscard]] Actions position_failed(std::string why, MonoTime now);
  // The driver has a reason to ask for the room's position: until it is answered nothing is read, and earlier answers
  // are not used.
  void await_position();
  [[nodiscard]] Actions tick(MonoTime now);
  [[nodiscard]] std::optional<MonoTime> due() const { return retry_at_; }

  [[nodiscard]] Standpoint standpoint() const { return {.epoch = epoch_, .stored = stored_, .moment = moment_}; }
  [[nodiscard]] const Epoch& epoch() const { return epoch_; }
  [[nodiscard]] Offset delivered() const { return delivered_; }
  [[nodiscard]] Offset stored() const { return stored_; } // more than delivered(): events are missing
  [[nodiscard]] std::size_t held_events() const { return held_.size(); }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }

 private:
  struct Read {
    std::uint64_t number = 0;
    Offset after = 0;
    Offset to = 0;
    bool outdated = false; // a change arrived meanwhile that the answer may not show
  };

  void deliver(EventPtr event, Actions& actions);
  void take(EventPtr event, Actions& actions);
  void changed(EventPtr event, Actions& actions);
  void forget_held(Offset up_to);
  void drop_beyond_limits();
  // After each input: delivers held events, and reads missing ones.
  void settle(MonoTime now, Actions& actions);
  void failed(std::string why, MonoTime now, Actions& actions);
  void back_off(MonoTime now);
  void doubt(Actions& actions);
  void foreign(const Epoch& epoch, Actions& actions);
  void past(const Epoch& epoch);
  [[nodiscard]] bool is_past(const Epoch& epoch) const;
  void doubts_settled();
  void lose(LossReason reason, std::string why, Epoch epoch, Offset offset, Actions& actions);
  void break_off(LossReason reason, std::string why, const StreamPosition& position, MonoTime now, Actions& actions);

  const FollowerLimits& limits_;
  Epoch epoch_;
  Offset delivered_ = 0;   // everything up to here was delivered, once
  Offset stored_ = 0;      // never less than delivered_
  Offset record_only_ = 0; // up to here only the log's copies are delivered,
  Offset shows_ = 0;       // and these only if they show the changes up to this number
  std::map<Offset, EventPtr> held_;
  std::size_t held_bytes_ = 0;
  std::optional<Read> read_; // in progress
  std::uint64_t reads_ = 0;
  std::optional<MonoTime> missing_since_; // no new event since then
  std::optional<MonoTime> retry_at_;
  Millis wait_{0};
  std::uint64_t moment_ = 0;
  std::optional<std::uint64_t> awaiting_; // a position, requested at this moment or later
  std::vector<Epoch> suspects_;           // other epochs that were seen: newer or older, the position will show
  std::vector<Epoch> past_;               // a past epoch never returns
  bool broken_ = false;                   // went back; nothing is delivered until there is a new epoch
};

} // namespace foyer::rooms
