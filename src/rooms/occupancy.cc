// Which rooms have subscribers, and how many.
#include <algorithm>

#include "rooms/room.h"

namespace foyer::rooms {
namespace {

constexpr std::size_t kBucketsInATurn = 512; // buckets of the table of rooms per turn

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

} // namespace foyer::rooms
