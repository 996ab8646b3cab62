// Which rooms have subscribers, and how many.
#include <algorithm>

#include "rooms/room.h"

namespace foyer::rooms {
namespace {

constexpr std::size_t kBucketsInATurn = 512; // buckets of the table of rooms per turn

// FNV-1a: the same in every build, since nodes compare it.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return hash;
}

} // namespace

// If the table of rooms grows between two turns, its buckets change and the search starts again.
struct RoomHome::Occupancy {
  std::string pattern;
  std::size_t buckets = 0; // of the table
  std::size_t bucket = 0;  // the next one
  std::vector<ActiveRoom> found = {};
  Completion<std::vector<ActiveRoom>> done;
};

void RoomHome::active(std::string pattern, Completion<std::vector<ActiveRoom>> done) {
  look_further(std::make_unique<Occupancy>(Occupancy{.pattern = std::move(pattern), .done = std::move(done)}));
}

void RoomHome::look_further(std::unique_ptr<Occupancy> look) {
  if (look->buckets != rooms_.bucket_count()) {
    look->buckets = rooms_.bucket_count();
    look->bucket = 0;
    look->found.clear();
  }
  const std::size_t end = std::min(look->buckets, look->bucket + kBucketsInATurn);
  for (; look->bucket < end; ++look->bucket)
    for (auto it = rooms_.cbegin(look->bucket); it != rooms_.cend(look->bucket); ++it) {
      const auto& [name, room] = *it;
      if (!room->audience.empty() && matches(look->pattern, name.view()))
        look->found.push_back({.room = name, .present = room->present, .subscribers = room->audience.total()});
    }
  if (look->bucket == look->buckets) return look->done(std::move(look->found));
  loop_.post([this, look = std::move(look)]() mutable { look_further(std::move(look)); });
}

RoomAudience RoomHome::audience(const RoomName& name) {
  RoomAudience out;
  const Room* const room = find(name);
  if (room == nullptr) return out;
  out.subscribers = room->audience.total();
  out.users.reserve(room->presence.connected());
  room->presence.each_connected([&out](std::string_view user) { out.users.push_back(hash_of(user)); });
  return out;
}

} // namespace foyer::rooms
