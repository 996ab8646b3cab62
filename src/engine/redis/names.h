// The names of keys and channels on the bus. What belongs to one room has the room as its hash tag, so that a cluster
// keeps it together. Channels are common to all databases of a server, so they have the prefix, too.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace foyer::engine {

inline constexpr std::string_view kBusPrefix = "foyer:";

class BusNames {
 public:
  explicit BusNames(std::string_view prefix = kBusPrefix) : prefix_(prefix) {}

  // Events of a room. foyer:{tea}
  [[nodiscard]] std::string channel(const RoomName& room) const { return prefix_ + "{" + room.str() + "}"; }
  // The room of such a channel; empty: it is another channel.
  [[nodiscard]] RoomName room_of(std::string_view channel) const {
    if (!channel.starts_with(prefix_ + "{") || !channel.ends_with('}')) return RoomName();
    return RoomName(channel.substr(prefix_.size() + 1, channel.size() - prefix_.size() - 2));
  }
  // Who is in a room: user → the nodes that have the user there, and the name. foyer:{tea}:who
  [[nodiscard]] std::string who(const RoomName& room) const { return channel(room) + ":who"; }
  // Parts of the log of a room. foyer:{tea}:log
  [[nodiscard]] std::string room(const RoomName& room, std::string_view part) const {
    return channel(room) + ":" + std::string(part);
  }
  // The rooms in whose log a user has written.
  [[nodiscard]] std::string author(const UserId& user) const { return prefix_ + "author:" + user.str(); }
  // Messages of the control bus: for all nodes, and for one.
  [[nodiscard]] std::string control() const { return prefix_ + "control"; }
  [[nodiscard]] std::string control(std::string_view node) const { return prefix_ + "control:" + std::string(node); }
  // Nodes, each with the time at which its lease ends.
  [[nodiscard]] std::string nodes() const { return prefix_ + "nodes"; }
  // The rooms in which a node has users.
  [[nodiscard]] std::string rooms_of(std::string_view node) const { return prefix_ + "rooms:" + std::string(node); }
  // The lease of the node that cleans up after that one.
  [[nodiscard]] std::string reap(std::string_view node) const { return prefix_ + "reap:" + std::string(node); }
  // Of the shared state: one kind of entries is kept together.
  [[nodiscard]] std::string state(std::string_view kind, std::string_view rest) const {
    return prefix_ + "state:{" + std::string(kind) + "}:" + std::string(rest);
  }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }

 private:
  std::string prefix_;
};

} // namespace foyer::engine
