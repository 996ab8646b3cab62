// Follows one room's stream. Events arrive lost, doubled, late and reordered; the record has
// them all. What is handed on rises by one, without a gap and without a repeat:
//
//   arrived 5, 6, 9        Deliver 5, Deliver 6, ReadHistory (6, 8]; 9 is held back
//   page 7, 8              Deliver 7, Deliver 8, Deliver 9
//
// Three kinds of events (Delivery):
//
//   history        Those of another epoch are dropped: the epoch's name does not say whether it is
//                  newer or older, so the position is confirmed, which also makes good what was dropped.
//   about_history  Delivered at once and as often as it arrives (its number tells repeats), in the followed
//                  epoch only. A message up to its offset that was not delivered yet is never delivered from a
//                  copy older than the change: it is read from the record again, which shows the change.
//   ephemeral      Delivered at once, whatever is missing and whichever epoch is followed.
//
// The record is read through pages, which may be of a reader that lags: a page that contradicts what is
// known never ends anything, it makes the position be confirmed. A position comes from whoever gives
// offsets. Another epoch, or a head behind what was known to be stored when the question was asked: Lost,
// and nothing of the old history is delivered after it. A head that is behind in the *same* epoch
// would give offsets twice, so nothing is delivered at all until a position names a new epoch.
//
// Pure: no clock, no I/O. The driver carries out the actions in their order. It answers each ReadHistory
// with page() or read_failed(), tries each ConfirmPosition until there is an answer for position(), and calls
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
  std::size_t held_events = 1'000;      // behind a gap; those beyond are dropped and read from the record later
  std::size_t held_bytes = 1024 * 1024; // likewise, of their texts
  Millis patience{10'000};              // without anything new while something is missing; then it is Lost
  Millis first_retry{100};              // of a read that failed or brought nothing; doubled
  Millis longest_retry{2'000};          // up to this
  std::uint32_t page = kHistoryLimit;   // events of one read
};

enum class LossReason : std::uint8_t {
  epoch_changed, // the room has another history now
  went_back,     // the record lacks what it had, and no new epoch says so yet
  not_kept,      // what is missing was deleted by age before it was delivered
  unreadable,    // what is missing could not be read for FollowerLimits::patience
};

struct Deliver {
  EventPtr event;
};
// The events of (after, to], oldest first, at most `limit`.
struct ReadHistory {
  std::uint64_t read = 0; // names this read in its answer
  Offset after = 0;
  Offset to = 0;
  std::uint32_t limit = 0;
};
// Ask whoever gives the offsets where the room stands, unless the question is under way already.
struct ConfirmPosition {};
// Whoever listens heard everything up to `delivered` and hears nothing more until it joins again, at {epoch, offset}
// or later. The follower goes on from there.
struct Lost {
  LossReason reason{};
  std::string why;
  Offset delivered = 0;
  Epoch epoch = {};
  Offset offset = 0;
  EventPtr last = {}; // the event at `offset`, where it is known
};
using Action = std::variant<Deliver, ReadHistory, ConfirmPosition, Lost>;
// Nearly always one.
using Actions = boost::container::small_vector<Action, 1>;

// How far the stream was known when the record was asked. Taken with the question, given with its answer: what
// happened meanwhile cannot make an answer look like a step back.
struct Standpoint {
  Epoch epoch = {};
  Offset stored = 0;        // the highest offset that is known to be stored
  std::uint64_t moment = 0; // of the follower's doubts: those that come later are not settled by this answer
};
struct StreamPosition {
  Epoch epoch = {};
  Offset head = 0;
  Standpoint asked = {};
};

struct Page {
  std::uint64_t read = 0;
  Epoch epoch = {}; // where the record stood when it was read
  Offset head = 0;
  Offset change = 0;                 // the number of the room's last change, as far as the events show it
  std::vector<EventPtr> events = {}; // ascending
};

class StreamFollower {
 public:
  // `limits` outlives this.
  explicit StreamFollower(const FollowerLimits& limits) : limits_(limits) {}

  // From here on, without telling anybody; what was under way is forgotten.
  void follow(Epoch epoch, Offset offset);

  [[nodiscard]] Actions arrived(EventPtr event, MonoTime now);
  // Somebody says that the record reaches to `head` at least; repeats and old heads do no harm.
  [[nodiscard]] Actions announced(const Epoch& epoch, Offset head, MonoTime now);
  [[nodiscard]] Actions page(const Page& page, MonoTime now);
  [[nodiscard]] Actions read_failed(std::uint64_t read, std::string why, MonoTime now);
  [[nodiscard]] Actions position(const StreamPosition& position, MonoTime now);
  // A try to confirm failed; the driver tries again.
  [[nodiscard]] Actions position_failed(std::string why, MonoTime now);
  // The driver has reason to ask where the room stands: until that is answered nothing is read, and what was asked
  // before is not used.
  void await_position();
  [[nodiscard]] Actions tick(MonoTime now);
  [[nodiscard]] std::optional<MonoTime> due() const { return retry_at_; }

  [[nodiscard]] Standpoint standpoint() const { return {.epoch = epoch_, .stored = stored_, .moment = moment_}; }
  [[nodiscard]] const Epoch& epoch() const { return epoch_; }
  [[nodiscard]] Offset delivered() const { return delivered_; }
  [[nodiscard]] Offset stored() const { return stored_; } // more than delivered(): something is missing
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
  // After everything that came: hands on what was waiting, and reads what is missing.
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
  Offset delivered_ = 0;   // everything up to here, once
  Offset stored_ = 0;      // never less than delivered_
  Offset record_only_ = 0; // up to here only the record's copies are delivered,
  Offset shows_ = 0;       // and these only if they show the changes up to this number
  std::map<Offset, EventPtr> held_;
  std::size_t held_bytes_ = 0;
  std::optional<Read> read_; // under way
  std::uint64_t reads_ = 0;
  std::optional<MonoTime> missing_since_; // nothing new since then
  std::optional<MonoTime> retry_at_;
  Millis wait_{0};
  std::uint64_t moment_ = 0;
  std::optional<std::uint64_t> awaiting_; // a position, asked at this moment or later
  std::vector<Epoch> suspects_;           // other epochs that were heard of: newer or older, the position will tell
  std::vector<Epoch> past_;               // an epoch that was left never comes back
  bool broken_ = false;                   // went back; nothing is delivered before there is a new epoch
};

} // namespace foyer::rooms
