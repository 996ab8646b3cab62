// The order of one connection: its answers come in the order of its commands. Commands
// of the same kind may be under way together (a hundred `chat` in one breath are stored
// by one commit), and the answer to a later one waits for those before it. A command of
// another kind begins once everything before it was answered, so that `create` and
// `invite` sent together do what they say. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
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
  static constexpr std::size_t kUnderWay = 64;          // `chat` whose answers are due; more wait
  static constexpr std::size_t kReadsUnderWay = 4;      // the same, of commands that read
  static constexpr std::size_t kWaitingBytes = 1 << 20; // of commands that wait
  static constexpr Millis kPatience{60'000};            // with one answer, while others wait for it

  // A command that waits for the answers to earlier ones.
  struct Waiting {
    protocol::CommandType type{};
    std::optional<std::uint64_t> id = {};
    std::string text = {};
    std::optional<Refusal> refusal = {}; // it is refused already, and only its answer waits
  };

  // Those are answered before they return, or not at all.
  [[nodiscard]] static bool immediate(protocol::CommandType type) {
    using enum protocol::CommandType;
    return type == ping || type == leave || type == typing || type == authenticate || type == agent_request ||
        type == agent_cancel;
  }
  [[nodiscard]] bool may_begin(protocol::CommandType type) const {
    return due_.empty() ||
        (type == type_ && together(type) &&
            due_.size() < (type == protocol::CommandType::chat ? kUnderWay : kReadsUnderWay));
  }
  [[nodiscard]] bool idle() const { return due_.empty(); }
  // Its number, for answer(). Only after may_begin().
  [[nodiscard]] std::uint64_t begin(protocol::CommandType type, MonoTime now) {
    type_ = type;
    due_.push_back({.serial = ++serial_, .since = now, .send = {}});
    return serial_;
  }
  // Calls `send` now, or when all earlier ones were answered; and then those that waited for it.
  template <class Send>
  void answer(std::uint64_t serial, Send send) {
    if (serial == 0) return send(); // of no command, or of an immediate one
    const auto it = std::ranges::find(due_, serial, &Due::serial);
    if (it == due_.end()) return;
    if (it != due_.begin()) {
      it->send = std::move(send);
      return;
    }
    due_.erase(it);
    send();
    while (!due_.empty() && due_.front().send) {
      auto next = std::move(due_.front().send);
      due_.erase(due_.begin());
      next();
    }
    if (due_.empty() && due_.capacity() > kKept) due_.shrink_to_fit();
  }

  [[nodiscard]] bool waits() const { return waiting_ != nullptr; }
  // False: more waits than may.
  [[nodiscard]] bool wait(Waiting command) {
    const std::size_t bytes = command.text.size() + sizeof(Waiting);
    if (waiting_ && waiting_bytes_ + bytes > kWaitingBytes) return false;
    if (!waiting_) waiting_ = std::make_unique<std::deque<Waiting>>();
    waiting_bytes_ += bytes;
    waiting_->push_back(std::move(command));
    return true;
  }
  // The next one that may begin now.
  [[nodiscard]] std::optional<Waiting> next() {
    if (!waiting_ || !may_begin(waiting_->front().type)) return std::nullopt;
    Waiting command = std::move(waiting_->front());
    waiting_->pop_front();
    waiting_bytes_ -= command.text.size() + sizeof(Waiting);
    if (waiting_->empty()) waiting_.reset();
    return command;
  }
  // Others wait for an answer that does not come.
  [[nodiscard]] bool stuck(MonoTime now) const {
    return waiting_ && !due_.empty() && now - due_.front().since > kPatience;
  }

 private:
  struct Due {
    std::uint64_t serial = 0;
    MonoTime since{};
    std::move_only_function<void()> send; // the answer, which waits for earlier ones
  };
  static constexpr std::size_t kKept = 4;
  [[nodiscard]] static bool together(protocol::CommandType type) {
    using enum protocol::CommandType;
    return type == chat || type == join || type == history || type == presence;
  }

  std::vector<Due> due_; // all of one kind
  std::unique_ptr<std::deque<Waiting>> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t serial_ = 0;
  protocol::CommandType type_{};
};

} // namespace foyer::gateway
