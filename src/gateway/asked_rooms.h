// The rooms of one connection for which a question to the application is pending. A command that needs the answer is
// taken out of the CommandOrder and delays only later commands about the same room, which keep their order. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "gateway/command_order.h"

namespace foyer::gateway {

class AskedRooms {
 public:
  static constexpr std::size_t kMost = 64; // rooms of one connection; beyond: BUSY
  // Set in the numbers of held commands, which distinguishes them from the numbers of CommandOrder.
  static constexpr std::uint64_t kMark = std::uint64_t{1} << 63;

  [[nodiscard]] bool holds(std::string_view room) const {
    return std::ranges::find(rooms_, room, [](const Room& each) { return each.name.view(); }) != rooms_.end();
  }
  [[nodiscard]] bool full() const { return rooms_.size() >= kMost; }
  // Holds the room until let_go() with the returned number. REQUIRES: !holds(room).
  [[nodiscard]] std::uint64_t hold(RoomName room) {
    rooms_.push_back({.name = std::move(room), .number = ++last_ | kMark, .waiting = {}});
    return rooms_.back().number;
  }
  // Adds a later command about a held room. False: the limit of waiting commands is exceeded. REQUIRES: holds(room).
  [[nodiscard]] bool wait(std::string_view room, CommandOrder::Waiting command) {
    const std::size_t bytes = command.text.size() + sizeof(command);
    if (bytes_ > 0 && bytes_ + bytes > CommandOrder::kWaitingBytes) return false;
    const auto at = std::ranges::find(rooms_, room, [](const Room& each) { return each.name.view(); });
    bytes_ += bytes;
    at->waiting.push_back(std::move(command));
    return true;
  }
  // Ends the hold. Returns the commands that waited for it, in their order; they may begin now.
  [[nodiscard]] std::deque<CommandOrder::Waiting> let_go(std::uint64_t number) {
    const auto at = std::ranges::find(rooms_, number, &Room::number);
    if (at == rooms_.end()) return {};
    auto waiting = std::move(at->waiting);
    rooms_.erase(at);
    for (const auto& command : waiting) bytes_ -= command.text.size() + sizeof(command);
    return waiting;
  }
  [[nodiscard]] bool empty() const { return rooms_.empty(); }

 private:
  struct Room {
    RoomName name;
    std::uint64_t number = 0;
    std::deque<CommandOrder::Waiting> waiting;
  };
  std::vector<Room> rooms_;
  std::uint64_t last_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace foyer::gateway
