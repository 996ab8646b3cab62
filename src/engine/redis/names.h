// The names of keys and channels on the bus. What belongs to one room has the room as its hash tag, so that a cluster
// keeps it together. Channels are common to all databases of a server: they have the name of the bus (opening.h), so
// that two installations on one server never hear each other.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace foyer::engine {

inline constexpr std::string_view kBusPrefix = "foyer:";

class BusNames {
 public:
  explicit BusNames(std::string_view prefix = kBusPrefix, std::string_view bus = {})
      : prefix_(prefix),
        channels_(prefix_ + (bus.empty() ? std::string() : std::string(bus) + ":")) {}

  // Events of a room. foyer:BUS:{tea}
  [[nodiscard]] std::string channel(const RoomName& room) const { return channels_ + "{" + room.str() + "}"; }
  // The room of such a channel; empty: it is another channel.
  [[nodiscard]] RoomName room_of(std::string_view channel) const {
    if (!channel.starts_with(channels_ + "{") || !channel.ends_with('}')) return RoomName();
    return RoomName(channel.substr(channels_.size() + 1, channel.size() - channels_.size() - 2));
  }
  // Who is in a room: user → the nodes that have the user there, and the name. foyer:{tea}:who
  [[nodiscard]] std::string who(const RoomName& room) const { return this->room(room, "who"); }
  // Parts of the log of a room. foyer:{tea}:log
  [[nodiscard]] std::string room(const RoomName& room, std::string_view part) const {
    return prefix_ + "{" + room.str() + "}:" + std::string(part);
  }
  // The rooms in whose log a user has written.
  [[nodiscard]] std::string author(const UserId& user) const { return prefix_ + "author:" + user.str(); }
  // Which bus this is: a random value.
  [[nodiscard]] std::string identity() const { return prefix_ + "bus"; }
  // For a look at what a node may do; deleted at once.
  [[nodiscard]] std::string probe(std::string_view random) const { return prefix_ + "probe:" + std::string(random); }
  // Canaries of all nodes; in a cluster, those of the shard with the slot of this tag.
  [[nodiscard]] std::string canary() const { return channels_ + "canary"; }
  [[nodiscard]] std::string canary(std::string_view tag) const { return canary() + "{" + std::string(tag) + "}"; }
  [[nodiscard]] bool is_canary(std::string_view channel) const { return channel.starts_with(canary()); }
  // Messages of the control bus: for all nodes, and for one.
  [[nodiscard]] std::string control() const { return channels_ + "control"; }
  [[nodiscard]] std::string control(std::string_view node) const { return channels_ + "control:" + std::string(node); }
  // Nodes, each with the time at which its lease ends.
  [[nodiscard]] std::string nodes() const { return prefix_ + "nodes"; }
  // A random value that the server loses with its memory; in the slot of nodes(), since one script uses both.
  [[nodiscard]] std::string era() const { return prefix_ + "era:{" + nodes() + "}"; }
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
  std::string prefix_, channels_;
};

} // namespace foyer::engine
