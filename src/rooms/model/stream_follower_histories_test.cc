// Seeded histories of one room: the events that a StreamFollower delivers while the bus loses, duplicates,
// delays and reorders, readers lag and fail, epochs are renewed and the log goes back. The oracle knows
// what the log held at any time and shares no code with the state machine.
//
// 100,000 histories in optimised builds, 2,000 elsewhere. HISTORIES=N runs N, FIRST=SEED starts there.
// A broken promise prints its seed and the last steps.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <random>

#include "rooms/model/stream_oracle.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOYER_SANITIZED
#endif
#endif

using namespace foyer;
using namespace foyer::rooms;
using oracle::Listener;
using oracle::Record;

namespace {

std::uint64_t asked(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

std::uint64_t histories() {
#if defined(NDEBUG) && !defined(FOYER_SANITIZED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  return asked("HISTORIES", 100'000);
#else
  return asked("HISTORIES", 2'000);
#endif
}

class History {
 public:
  History(std::uint64_t seed, bool traced) : random_(seed), traced_(traced), listener(record_, limits_) {
    follower_.follow(Epoch("e1"), 0);
    for (auto& w : weights_) w = 1 + static_cast<int>(pick(8)); // each history has its own fault rates
    losing_ = pick(40), failing_ = pick(60), lagging_ = pick(50);
  }

  // Empty, or the promise that was broken.
  std::string run() {
    for (int i = 0; i < kSteps && listener.fault.empty(); ++i) step();
    calm();
    return listener.fault;
  }

  [[nodiscard]] std::string last_steps() const {
    const std::size_t from = steps_.size() - std::min<std::size_t>(steps_.size(), 40);
    return fmt::format("{}", fmt::join(steps_.begin() + static_cast<std::ptrdiff_t>(from), steps_.end(), "\n"));
  }

 private:
  static constexpr int kSteps = 200;
  struct Reading {
    ReadHistory read;
    std::optional<Page> page = {};
  };
  struct Asking {
    std::uint64_t number = 0;
    Standpoint asked;
    std::optional<StreamPosition> position = {};
  };

  std::size_t pick(std::size_t n) { return random_() % n; }
  bool chance(std::size_t percent) { return pick(100) < percent; }
  template <class Line>
  void note(Line line) {
    if (traced_) steps_.push_back(line());
  }

  void step() {
    switch (std::discrete_distribution<int>(weights_.begin(), weights_.end())(random_)) {
      case 0: return append();
      case 1: return append();
      case 2: return bus_delivers();
      case 3: return bus_delivers();
      case 4: return read_goes_on();
      case 5: return question_goes_on();
      case 6: return time_passes(Millis{static_cast<std::int64_t>(1 + pick(chance(20) ? 12'000 : 300))});
      case 7: return erase();
      case 8: return typing();
      case 9: return chance(60) ? ask() : reconnect();
      case 10: return chance(30) ? trouble() : keep_a_reader_behind();
      default: return announce();
    }
  }

  // The bus

  void put_on_bus(const EventPtr& event) {
    const std::size_t copies = chance(losing_) ? 0 : chance(20) ? 2 : 1;
    for (std::size_t i = 0; i < copies; ++i) bus_.push_back(event);
    note([&] { return fmt::format("{} {} stored, {} on the bus", event->epoch.str(), event->offset, copies); });
  }
  void append() {
    for (std::size_t n = 1 + pick(3); n > 0; --n)
      put_on_bus(record_.append(fmt::format("{}{:.{}}", ++texts_, "······", pick(3) * 4)));
  }
  void erase() {
    if (record_.now.head() > 0)
      put_on_bus(record_.erase(record_.now.head() - pick(std::min<Offset>(record_.now.head(), 5))));
  }
  void bus_delivers() {
    if (bus_.empty()) return;
    const auto which = bus_.begin() + static_cast<std::ptrdiff_t>(chance(60) ? 0 : pick(bus_.size()));
    const EventPtr event = *which;
    bus_.erase(which);
    const bool here = listener.follows(event->epoch);
    const bool change = event->delivery == Delivery::about_history;
    const bool at_once = here && (change || listener.takes(event->offset));
    note([&] { return fmt::format("arrives {} {}{}", event->epoch.str(), event->offset, change ? " changed" : ""); });
    const Actions actions = follower_.arrived(event, now_);
    if (at_once) listener.require(first_is(actions, event), "the next event is not delivered at once");
    act(actions);
    if (listener.follows(event->epoch))
      listener.require(follower_.stored() >= event->offset, "an event that came early is forgotten");
  }
  void typing() {
    const auto event = std::make_shared<const Event>(Event{.delivery = Delivery::ephemeral});
    const Actions actions = follower_.arrived(event, now_);
    listener.require(actions.size() == 1 && first_is(actions, event), "typing is not delivered");
  }
  static bool first_is(const Actions& actions, const EventPtr& event) {
    const auto* first = actions.empty() ? nullptr : std::get_if<Deliver>(&actions.front());
    return first != nullptr && first->event == event;
  }
  void announce() { // perhaps an old one
    const auto any = std::next(
        record_.truth.begin(), static_cast<std::ptrdiff_t>(record_.truth.empty() ? 0 : pick(record_.truth.size())));
    if (any == record_.truth.end()) return;
    note([&] { return fmt::format("announced {} {}", any->first.first.str(), any->first.second); });
    act(follower_.announced(any->first.first, any->first.second, now_));
  }

  // The record

  void read_goes_on() {
    if (readings_.empty()) return;
    Reading& reading = readings_[pick(readings_.size())];
    if (!reading.page) {
      const bool lags = !before_.empty() && chance(lagging_);
      reading.page = Record::page(lags ? before_[pick(before_.size())] : record_.now, reading.read);
      if (chance(50)) return;
    }
    const Reading answer = std::move(reading);
    std::erase_if(readings_, [&](const Reading& r) { return r.read.read == answer.read.read; });
    const bool fails = chance(failing_);
    const bool newest = listener.reading && answer.read.read == newest_read_;
    const bool current = newest && answer.read.after == listener.last;
    if (newest) listener.reading = false;
    const bool empty = fails || answer.page->epoch != listener.epoch ||
        (answer.page->events.empty() && answer.page->head < answer.read.to);
    if (current && empty && !(!fails && listener.read_outdated)) listener.not_before = now_ + limits_.first_retry;
    note([&] {
      return fmt::format("read of ({}, {}] {}: {} {}, {} events", answer.read.after, answer.read.to,
          fails ? "fails" : "answered", answer.page->epoch.str(), answer.page->head, answer.page->events.size());
    });
    act(fails ? follower_.read_failed(answer.read.read, "away", now_) : follower_.page(*answer.page, now_));
  }
  void ask() {
    askings_.push_back({.number = ++questions_, .asked = follower_.standpoint()});
    note([&] { return fmt::format("asked where {} stands", askings_.back().asked.epoch.str()); });
  }
  void reconnect() {
    follower_.await_position();
    listener.not_before.reset();
    doubt();
  }
  // Requests from now on return the room's position; earlier answers are not used.
  void doubt() {
    if (!answering_) settled_by_ = questions_ + 1; // otherwise it is the earlier doubt
    listener.awaiting = true;
    listener.reading = false;
    ask();
  }
  void question_goes_on() {
    if (askings_.empty()) return;
    const auto which = askings_.begin() + static_cast<std::ptrdiff_t>(pick(askings_.size()));
    if (!which->position) {
      which->position = record_.position(which->asked);
      if (chance(50)) return;
    }
    const StreamPosition position = *which->position;
    const bool about_now = position.epoch == listener.epoch || position.asked.epoch == listener.epoch;
    const bool settles = about_now && which->number >= settled_by_;
    askings_.erase(which);
    if (chance(failing_ / 3)) {
      act(follower_.position_failed("away", now_));
      return ask(); // the driver retries until it has an answer
    }
    if (settles) listener.awaiting = false;
    answering_ = true;
    answer(position);
    answering_ = false;
  }
  void answer(const StreamPosition& p) {
    const bool here = !listener.silent && p.asked.epoch == listener.epoch;
    const bool other = here && (p.epoch != listener.epoch || p.head < p.asked.stored);
    note([&] {
      return fmt::format("position {} {} asked at {} {}", p.epoch.str(), p.head, p.asked.epoch.str(), p.asked.stored);
    });
    const Actions actions = follower_.position(p, now_);
    const bool lost = !actions.empty() && std::holds_alternative<Lost>(actions.front());
    if (here) listener.require(lost == other, other ? "another history is not reported" : "a good history is lost");
    act(actions);
  }
  void trouble() {
    switch (pick(3)) {
      case 0:
        if (record_.now.head() > 0)
          record_.go_back(
              record_.now.head() - pick(std::min<Offset>(record_.now.head(), 6)), static_cast<int>(pick(4)));
        return note(
            [&] { return fmt::format("the record goes back to {} {}", record_.now.name().str(), record_.now.head()); });
      case 1: record_.renew(); return note([&] { return fmt::format("epoch {} begins", record_.now.name().str()); });
      default:
        if (chance(50)) record_.now.trimmed = std::max(record_.now.trimmed, pick(record_.now.head() + 1));
        return note([&] { return fmt::format("kept from {} on", record_.now.trimmed + 1); });
    }
  }
  void keep_a_reader_behind() {
    before_.push_back(record_.now);
    if (before_.size() > 3) before_.erase(before_.begin());
  }

  void time_passes(Millis time) {
    now_ += time;
    note([&] { return fmt::format("{} ms pass", time.count()); });
    act(follower_.tick(now_));
    listener.require(
        !missing_since_ || now_ - *missing_since_ < limits_.patience, "what is missing is waited for too long");
  }

  void act(const Actions& actions) {
    for (const Action& action : actions) {
      listener.hears(action, now_);
      note([&] { return "    " + shown(action); });
      if (const auto* read = std::get_if<ReadHistory>(&action)) {
        newest_read_ = read->read;
        readings_.push_back({.read = *read});
      }
      if (std::holds_alternative<ConfirmPosition>(action)) doubt();
      if (std::holds_alternative<Deliver>(action) || std::holds_alternative<Lost>(action)) missing_since_.reset();
    }
    if (listener.silent || follower_.delivered() >= follower_.stored())
      missing_since_.reset();
    else if (!missing_since_)
      missing_since_ = now_;
    listener.require(follower_.epoch() == listener.epoch && follower_.delivered() == listener.last,
        "the follower's position differs from the listener's");
    listener.require(follower_.held_events() <= limits_.held_events && follower_.held_bytes() <= limits_.held_bytes,
        "more is held back than the limits allow");
  }
  static std::string shown(const Action& action) {
    if (const auto* d = std::get_if<Deliver>(&action))
      return fmt::format("heard {} {}", d->event->epoch.str(), d->event->offset);
    if (const auto* r = std::get_if<ReadHistory>(&action)) return fmt::format("reads ({}, {}]", r->after, r->to);
    if (const auto* l = std::get_if<Lost>(&action))
      return fmt::format("lost: {}; goes on at {} {}", l->why, l->epoch.str(), l->offset);
    return "confirms";
  }

  // Faults end, and the events on the bus are lost: the listener still gets everything in the end.
  void calm() {
    bus_.clear();
    before_.clear();
    failing_ = losing_ = 0;
    note([] { return std::string("faults end here"); });
    for (int round = 0; round < 30 && listener.fault.empty(); ++round) {
      while (!readings_.empty() && listener.fault.empty()) read_goes_on();
      for (std::size_t n = askings_.size(); n > 0; --n) question_goes_on();
      if (round % 3 == 0) ask(); // of every room, from time to time
      time_passes(Millis{700});
    }
    if (!listener.fault.empty()) return;
    listener.require(!listener.silent && listener.epoch == record_.now.name() && listener.last == record_.now.head(),
        "not everything is delivered in the end");
    losing_ = 0;
    bus_.assign(1, record_.append("the last one"));
    bus_delivers();
    listener.require(listener.last == record_.now.head(), "events at the end are not delivered");
    listener.require(!follower_.due(), "a timer is set although nothing is missing");
  }

  std::mt19937_64 random_;
  const bool traced_;
  std::vector<std::string> steps_;
  std::array<int, 12> weights_{};
  std::size_t losing_ = 0, failing_ = 0, lagging_ = 0; // per cent
  FollowerLimits limits_{.held_events = 4, .held_bytes = 40, .page = 3};
  Record record_;
  StreamFollower follower_{limits_};
  MonoTime now_{std::chrono::seconds{1'000}};
  std::optional<MonoTime> missing_since_; // without progress
  std::vector<EventPtr> bus_;
  std::vector<Reading> readings_;
  std::vector<Asking> askings_;
  std::vector<Record::State> before_; // what a lagging reader may still show
  std::uint64_t newest_read_ = 0;
  std::uint64_t questions_ = 0, settled_by_ = 0;
  bool answering_ = false;
  std::uint64_t texts_ = 0;

 public:
  Listener listener;
};

TEST(StreamHistories, AListenerGetsEachOffsetOnceInOrderOrLearnsThatTheyAreLost) {
  std::map<LossReason, int> losses;
  std::int64_t heard = 0, reads = 0;
  const std::uint64_t first = asked("FIRST", 1), count = histories();
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    History history(seed, false);
    if (const std::string broken = history.run(); !broken.empty()) {
      History again(seed, true);
      again.run();
      FAIL() << "seed " << seed << ": " << broken << "\n" << again.last_steps();
    }
    for (const auto& [reason, times] : history.listener.losses) losses[reason] += times;
    heard += history.listener.heard;
    reads += history.listener.reads_made;
  }
  fmt::print("{} histories: {} heard, {} reads, lost: epoch {}, went back {}, not kept {}, unreadable {}\n", count,
      heard, reads, losses[LossReason::epoch_changed], losses[LossReason::went_back], losses[LossReason::not_kept],
      losses[LossReason::unreadable]);
  if (count < 1'000) return;
  for (const LossReason reason :
      {LossReason::epoch_changed, LossReason::went_back, LossReason::not_kept, LossReason::unreadable})
    EXPECT_GT(losses[reason], 0);
}

} // namespace
