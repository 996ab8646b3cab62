// For stream_follower_histories_test.cc: the log of one room with everything that it ever held, and a listener that
// checks received events against it. Shares no code with the state machine.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rooms/model/stream_follower.h"

namespace foyer::rooms::oracle {

inline EventPtr message(const Epoch& epoch, Offset offset, const std::string& text, bool deleted) {
  return std::make_shared<Event>(Event{.epoch = epoch,
      .offset = offset,
      .delivery = Delivery::history,
      .body = Message{
          .offset = offset, .from = {}, .text = deleted ? std::string() : text, .key = {}, .deleted = deleted}});
}

// The room as the writer sees it. Every text is unique, so that two contents of one offset are detected.
class Record {
 public:
  struct Entry {
    std::string text;
    bool deleted = false;
  };
  struct State {
    std::vector<Entry> entries; // [0] is offset 1
    Offset trimmed = 0;         // retention has deleted messages up to here
    int epoch = 1;
    Offset changes = 0;
    [[nodiscard]] Epoch name() const { return Epoch("e" + std::to_string(epoch)); }
    [[nodiscard]] Offset head() const { return entries.size(); }
  };

  EventPtr append(std::string text) {
    if (renewal_) renew(); // before the next offset is assigned
    now.entries.push_back({.text = std::move(text)});
    truth[{now.name(), now.head()}] = now.entries.back().text;
    return message(now.name(), now.head(), now.entries.back().text, false);
  }
  EventPtr erase(Offset offset) {
    if (renewal_) renew();
    now.entries[offset - 1].deleted = true;
    return std::make_shared<Event>(Event{.epoch = now.name(),
        .offset = offset,
        .delivery = Delivery::about_history,
        .body = Change{.number = ++now.changes, .kind = ChangeKind::deleted, .offset = offset}});
  }
  // Removes the newest entries. The new epoch begins after `answers` requests for the position.
  void go_back(Offset head, int answers) {
    now.entries.resize(head);
    now.trimmed = std::min(now.trimmed, head);
    renewal_ = answers;
    if (answers == 0) renew();
  }
  void renew() {
    renewal_.reset();
    now.epoch = ++last_epoch_;
    for (Offset o = 1; o <= now.head(); ++o) truth[{now.name(), o}] = now.entries[o - 1].text;
  }
  [[nodiscard]] bool is_behind() const { return renewal_.has_value(); }

  StreamPosition position(const Standpoint& asked) {
    if (renewal_ && (*renewal_)-- <= 0) renew();
    return {.epoch = now.name(), .head = now.head(), .asked = asked};
  }
  static Page page(const State& state, const ReadHistory& read) {
    Page page{.read = read.read, .epoch = state.name(), .head = state.head(), .change = state.changes};
    for (Offset o = std::max(read.after, state.trimmed) + 1; o <= std::min(read.to, state.head()); ++o) {
      if (page.events.size() == read.limit) break;
      page.events.push_back(message(state.name(), o, state.entries[o - 1].text, state.entries[o - 1].deleted));
    }
    return page;
  }

  State now;
  std::map<std::pair<Epoch, Offset>, std::string> truth; // also of past epochs

 private:
  std::optional<int> renewal_;
  int last_epoch_ = 1;
};

// The listener, which checks the promises of StreamFollower.
class Listener {
 public:
  Listener(const Record& record, const FollowerLimits& limits) : record_(record), limits_(limits) {}

  void hears(const Action& action, MonoTime now) {
    if (const auto* d = std::get_if<Deliver>(&action)) return hears(*d->event, now);
    if (const auto* l = std::get_if<Lost>(&action)) return loses(*l, now);
    if (const auto* r = std::get_if<ReadHistory>(&action)) return reads(*r, now);
  }
  void require(bool promise, std::string_view broken) {
    if (!promise && fault.empty()) fault = broken;
  }

  [[nodiscard]] bool follows(const Epoch& e) const { return !silent && epoch == e; }
  [[nodiscard]] bool has_left(const Epoch& e) const { return left_.contains(e); }
  // Whether this offset must be delivered as soon as it arrives: it is next, and no change has overtaken it.
  [[nodiscard]] bool takes(Offset o) const { return o == last + 1 && o > changed_to_; }

  Epoch epoch{"e1"};
  Offset last = 0;
  bool silent = false;  // the history went back, and there is no new epoch yet
  bool reading = false; // a read is in progress whose answer may be used
  bool read_outdated = false;
  bool awaiting = false;              // the position was requested
  std::optional<MonoTime> not_before; // no read before this time
  std::string fault;
  std::map<LossReason, int> losses;
  int heard = 0, reads_made = 0;

 private:
  void hears(const Event& event, MonoTime now) {
    if (event.delivery == Delivery::ephemeral) return;
    require(!silent, "an event of a history that went back is delivered");
    require(event.epoch == epoch, "an event of another epoch is delivered");
    if (event.delivery == Delivery::about_history) {
      deleted_.insert(event.offset);
      if (event.offset > last) changed_to_ = std::max(changed_to_, event.offset), read_outdated = true;
      return;
    }
    require(event.offset > last, "an offset is delivered again");
    require(event.offset <= last + 1, "an offset is skipped");
    const auto& body = std::get<Message>(event.body);
    const auto truth = record_.truth.find({epoch, event.offset});
    require(truth != record_.truth.end(), "a delivered event was never stored");
    if (truth == record_.truth.end()) return;
    require(body.deleted || body.text == truth->second, "one offset has two contents");
    require(body.deleted || !deleted_.contains(event.offset), "a text is delivered after its deletion");
    last = event.offset;
    since_ = now;
    not_before.reset();
    ++heard;
  }

  void loses(const Lost& lost, MonoTime now) {
    ++losses[lost.reason];
    require(lost.delivered == last, "Lost names another end than the last delivered offset");
    const bool never_again = lost.reason == LossReason::went_back || left_.contains(lost.epoch);
    switch (lost.reason) {
      case LossReason::epoch_changed:
        require(silent || record_.now.name() != epoch, "an epoch is lost that the room still has");
        break;
      case LossReason::went_back:
        require(record_.is_behind() || record_.now.name() != epoch, "a history is lost that did not go back");
        break;
      case LossReason::not_kept:
        require(record_.now.trimmed > last || record_.now.name() != epoch || record_.is_behind(),
            "messages are lost that are still kept");
        break;
      case LossReason::unreadable: require(now - since_ >= limits_.patience, "patience ends early"); break;
    }
    require(!silent || (lost.epoch != epoch && !never_again), "a history that went back continues without a new epoch");
    since_ = now;
    not_before.reset();
    reading = false;
    silent = never_again;
    if (silent) return;
    if (lost.epoch != epoch) {
      left_.insert(epoch);
      deleted_.clear();
      changed_to_ = 0;
    } else {
      require(lost.offset >= last, "a listener is sent back within an epoch");
    }
    epoch = lost.epoch;
    last = lost.offset;
  }

  void reads(const ReadHistory& read, MonoTime now) {
    ++reads_made;
    require(!silent, "a history that went back is read");
    require(read.after == last && read.to > last && read.limit == limits_.page, "a range is read that is not missing");
    require(!reading, "two reads are under way");
    require(!awaiting, "a read is made while the position is unknown");
    require(!not_before || now >= *not_before, "a read that failed is repeated too early");
    read_outdated = false;
    reading = true;
  }

  const Record& record_;
  const FollowerLimits& limits_;
  std::set<Epoch> left_;
  std::set<Offset> deleted_; // in this epoch, as far as delivered
  Offset changed_to_ = 0;
  MonoTime since_{};
};

} // namespace foyer::rooms::oracle
