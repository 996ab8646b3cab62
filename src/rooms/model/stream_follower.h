// Follows one room's stream. On the way, events may be lost, duplicated, delayed and reordered; the log has all of
// them. The follower delivers each offset once, in order and without gaps:
//
//   arrived 5, 6, 9        Deliver 5, Deliver 6, ReadHistory (6, 8]; 9 is held back
//   page 7, 8              Deliver 7, Deliver 8, Deliver 9
//
// Three kinds of events (Delivery):
//
//   history        Events of another epoch are dropped. The epoch's name does not show whether it is newer or older, so
//                  the position is confirmed, which also recovers the dropped events.
//   about_history  Delivered at once, as often as it arrives (its number identifies duplicates), in the followed epoch
//                  only. A message up to its offset that was not delivered yet is read from the log again, so that it
//                  is never delivered as it was before the change.
//   ephemeral      Delivered at once, in any epoch and in spite of gaps.
//
// Pages of the log may come from a reader that lags. A page that contradicts what is known only causes a confirmation
// of the position. A position comes from the writer, which assigns offsets. If it names another epoch, or a head behind
// what was known to be stored when it was requested, the history is Lost, and nothing of it is delivered afterwards. A
// head behind in the *same* epoch would assign offsets twice, so nothing is delivered until a position names a new
// epoch.
//
// Pure: no clock, no I/O. The driver carries out the actions in order, answers each ReadHistory with page() or
// read_failed(), retries each ConfirmPosition until it can call position(), and calls tick() at due(). Not thread-safe.
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
  std::size_t held_events = 1'000;      // after a gap; further ones are dropped and read from the log later
  std::size_t held_bytes = 1024 * 1024; // the same, of their texts
  Millis patience{5'000};               // without progress while something is missing; then it is Lost
  Millis first_retry{100};              // after a read that failed or returned nothing; doubled each time
  Millis longest_retry{1'000};          // up to this
  std::uint32_t page = kHistoryLimit;   // events per read
};

enum class LossReason : std::uint8_t {
  epoch_changed, // the room has another history
  went_back,     // the log is behind what it had stored, and has no new epoch yet
  not_kept,      // retention deleted the missing events before they were delivered
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
// Request the room's position from the writer, unless a request is in progress.
struct ConfirmPosition {};
// The listener got everything up to `delivered`, and gets nothing more until it joins again at {epoch, offset} or
// later. The follower continues from there.
struct Lost {
  LossReason reason{};
  std::string why;
  Offset delivered = 0;
  Epoch epoch = {};
  Offset offset = 0;
  EventPtr last = {}; // the event at `offset`, if known
};
using Action = std::variant<Deliver, ReadHistory, ConfirmPosition, Lost>;
// Inline storage for one action, the usual number.
using Actions = boost::container::small_vector<Action, 1>;

// What was known of the stream when a request was made. Passed back with the answer, so that events which arrived in
// between cannot make the answer look like a step back.
struct Standpoint {
  Epoch epoch = {};
  Offset stored = 0;        // the highest offset known to be stored
  std::uint64_t moment = 0; // counts the doubts of the follower: an answer settles only earlier ones
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
  Offset change = 0;                 // the number of the last change that the events show
  std::vector<EventPtr> events = {}; // ascending
};

class StreamFollower {
 public:
  // `limits` must outlive this.
  explicit StreamFollower(const FollowerLimits& limits) : limits_(limits) {}

  // Starts at this position without notifying the listener. Answers to earlier requests are ignored.
  void follow(Epoch epoch, Offset offset);

  [[nodiscard]] Actions arrived(EventPtr event, MonoTime now);
  // The log reaches at least `head`. Duplicates and old heads are harmless.
  [[nodiscard]] Actions announced(const Epoch& epoch, Offset head, MonoTime now);
  [[nodiscard]] Actions page(const Page& page, MonoTime now);
  [[nodiscard]] Actions read_failed(std::uint64_t read, std::string why, MonoTime now);
  [[nodiscard]] Actions position(const StreamPosition& position, MonoTime now);
  // An attempt to confirm failed; the driver retries.
  [[nodiscard]] Actions position_failed(std::string why, MonoTime now);
  // The driver requests the room's position on its own. Until the answer nothing is read, and earlier answers are
  // ignored.
  void await_position();
  [[nodiscard]] Actions tick(MonoTime now);
  [[nodiscard]] std::optional<MonoTime> due() const; // the next retry, or the end of patience, whichever is first

  [[nodiscard]] Standpoint standpoint() const { return {.epoch = epoch_, .stored = stored_, .moment = moment_}; }
  [[nodiscard]] const Epoch& epoch() const { return epoch_; }
  [[nodiscard]] Offset delivered() const { return delivered_; }
  [[nodiscard]] Offset stored() const { return stored_; } // greater than delivered(): events are missing
  [[nodiscard]] std::size_t held_events() const { return held_.size(); }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }

 private:
  struct Read {
    std::uint64_t number = 0;
    Offset after = 0;
    Offset to = 0;
    bool outdated = false; // a change arrived during the read; the answer may not show it
  };

  void deliver(EventPtr event, Actions& actions);
  void take(EventPtr event, Actions& actions);
  void changed(EventPtr event, Actions& actions);
  void forget_held(Offset up_to);
  void drop_beyond_limits();
  // After each input: delivers held events and reads missing ones.
  void settle(MonoTime now, Actions& actions);
  void failed(std::string why, MonoTime now, Actions& actions);
  [[nodiscard]] bool patience_is_over(MonoTime now) const;
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
  Offset record_only_ = 0; // messages up to here are delivered only from the log,
  Offset shows_ = 0;       // from pages that show the changes up to this number
  std::map<Offset, EventPtr> held_;
  std::size_t held_bytes_ = 0;
  std::optional<Read> read_; // in progress
  std::uint64_t reads_ = 0;
  std::optional<MonoTime> missing_since_; // no new event since then
  std::optional<MonoTime> retry_at_;
  Millis wait_{0};
  std::uint64_t moment_ = 0;
  std::optional<std::uint64_t> awaiting_; // the answer with a position that was requested at this moment or later
  std::vector<Epoch> suspects_;           // other epochs that were seen; the position decides whether they are newer
  std::vector<Epoch> past_;               // a past epoch never returns
  bool broken_ = false;                   // the history went back: nothing is delivered until there is a new epoch
};

} // namespace foyer::rooms
