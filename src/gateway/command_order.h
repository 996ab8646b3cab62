// The commands of one connection are answered in the order in which they came. Commands of the same kind may be in
// progress together (a hundred `chat` sent at once are stored by one commit); the answer to a later one waits for the
// earlier ones. A command of another kind starts once all earlier commands are answered, so that `create` and `invite`
// sent together work as expected. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/refusal.h"
#include "protocol/command.h"

namespace foyer::gateway {

class CommandOrder {
 public:
  static constexpr std::size_t kUnderWay = 64;          // `chat` and `publish` in progress; further ones wait
  static constexpr std::size_t kReadsUnderWay = 4;      // the same, for commands that read
  static constexpr std::size_t kWaitingBytes = 1 << 20; // of waiting commands
  static constexpr Millis kPatience{60'000};            // for one answer, while others wait for it

  // A command that waits for the answers to earlier ones.
  struct Waiting {
    protocol::CommandType type{};
    std::optional<std::uint64_t> id = {};
    std::string text = {};
    std::optional<Refusal> refusal = {}; // the command is refused; only the answer waits for its turn
  };

  // Commands of these kinds are answered before they return, or not at all.
  [[nodiscard]] static bool immediate(protocol::CommandType type) {
    using enum protocol::CommandType;
    return type == ping || type == leave || type == typing || type == authenticate || type == agent_request ||
        type == agent_cancel;
  }
  [[nodiscard]] bool may_begin(protocol::CommandType type) const {
    return idle() ||
        (group(type) == type_ && together(type) &&
            under_way() < (type_ == protocol::CommandType::chat ? kUnderWay : kReadsUnderWay));
  }
  [[nodiscard]] bool idle() const { return under_way() == 0; }
  // Returns the command's number, for answer(). REQUIRES: may_begin(type).
  [[nodiscard]] std::uint64_t begin(protocol::CommandType type, MonoTime now) {
    type_ = group(type);
    if (idle() && !more_)
      alone_ = true, since_ = now;
    else
      more().due.push_back({.serial = serial_ + 1, .since = now, .send = {}});
    return ++serial_;
  }
  // Calls `send` now, or once all earlier commands are answered; then the answers that waited for this one.
  template <class Send>
  void answer(std::uint64_t serial, Send send) {
    if (serial == 0) return send(); // without a command, or an immediate one
    if (!more_) {
      if (alone_ && serial == serial_) alone_ = false, send();
      return;
    }
    auto& due = more_->due;
    const auto it = std::ranges::find(due, serial, &Due::serial);
    if (it == due.end()) return;
    if (it != due.begin()) {
      it->send = std::move(send);
      return;
    }
    due.erase(it);
    send(); // send() may start and answer others
    while (more_ && !more_->due.empty() && more_->due.front().send) {
      auto next = std::move(more_->due.front().send);
      more_->due.erase(more_->due.begin());
      next();
    }
    tidy();
  }

  [[nodiscard]] bool waits() const { return more_ && more_->waiting; }
  // False: the limit of waiting commands is exceeded.
  [[nodiscard]] bool wait(Waiting command) {
    const std::size_t bytes = command.text.size() + sizeof(Waiting);
    if (waits() && more_->waiting_bytes + bytes > kWaitingBytes) return false;
    auto& waiting = more().waiting;
    if (!waiting) waiting = std::make_unique<std::deque<Waiting>>();
    more_->waiting_bytes += bytes;
    waiting->push_back(std::move(command));
    return true;
  }
  // Puts commands that waited elsewhere (AskedRooms) before all others.
  void wait_first(std::deque<Waiting> commands) {
    auto& waiting = more().waiting;
    if (!waiting) waiting = std::make_unique<std::deque<Waiting>>();
    for (const Waiting& command : commands) more_->waiting_bytes += command.text.size() + sizeof(Waiting);
    waiting->insert(
        waiting->begin(), std::make_move_iterator(commands.begin()), std::make_move_iterator(commands.end()));
  }
  // Takes the next waiting command, if it may start now.
  [[nodiscard]] std::optional<Waiting> next() {
    if (!waits() || !may_begin(more_->waiting->front().type)) return std::nullopt;
    auto& waiting = more_->waiting;
    Waiting command = std::move(waiting->front());
    waiting->pop_front();
    more_->waiting_bytes -= command.text.size() + sizeof(Waiting);
    if (waiting->empty()) waiting.reset();
    tidy();
    return command;
  }
  // Whether commands have waited longer than kPatience for one answer.
  [[nodiscard]] bool stuck(MonoTime now) const {
    return waits() && !more_->due.empty() && now - more_->due.front().since > kPatience;
  }

 private:
  struct Due {
    std::uint64_t serial = 0;
    MonoTime since{};
    std::move_only_function<void()> send; // the answer, which waits for earlier ones
  };
  // `chat` and `publish` both make messages and count as one kind.
  [[nodiscard]] static protocol::CommandType group(protocol::CommandType type) {
    return type == protocol::CommandType::publish ? protocol::CommandType::chat : type;
  }
  [[nodiscard]] static bool together(protocol::CommandType type) {
    using enum protocol::CommandType;
    return type == chat || type == publish || type == join || type == history || type == presence;
  }

  // Allocated while several are in progress, or some wait.
  struct More {
    std::vector<Due> due;                         // all of one kind
    std::unique_ptr<std::deque<Waiting>> waiting; // null: none
    std::size_t waiting_bytes = 0;
  };
  [[nodiscard]] std::size_t under_way() const { return more_ ? more_->due.size() : alone_ ? 1 : 0; }
  [[nodiscard]] More& more() {
    if (!more_) {
      more_ = std::make_unique<More>();
      if (std::exchange(alone_, false)) more_->due.push_back({.serial = serial_, .since = since_, .send = {}});
    }
    return *more_;
  }
  void tidy() {
    if (more_ && more_->due.empty() && !more_->waiting) more_.reset();
  }

  std::unique_ptr<More> more_; // null: at most one is in progress, and none waits
  std::uint64_t serial_ = 0;   // of the last one started
  MonoTime since_{};           // start of the only one
  bool alone_ = false;
  protocol::CommandType type_{};
};

} // namespace foyer::gateway
