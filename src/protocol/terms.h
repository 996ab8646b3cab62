// What a client declares about itself: the features it understands and the longest message it accepts. A client gets
// nothing of a feature that it did not name, so that old clients keep working.
//
// Sent in `authenticate` or in the query of the handshake:
//
//   {"type":"authenticate","token":…,"features":["changes","pages"],"max_message":32768}
//   /ws/chat?features=changes,pages&max_message=32768
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace foyer::protocol {

enum class Feature : std::uint8_t {
  changes,    // deletions and other changes carry a number, and a recovery contains those that were missed
  pages,      // a recovery that does not fit in one answer comes in pages
  room_reset, // `room_reset` instead of a Close when a room's history restarts
  people,     // invitations and everything else about people
  data,       // messages of applications carry `data`; without the feature their text is empty
};
inline constexpr std::array<std::pair<std::string_view, Feature>, 5> kFeatures{{
    {"changes", Feature::changes},
    {"pages", Feature::pages},
    {"room_reset", Feature::room_reset},
    {"people", Feature::people},
    {"data", Feature::data},
}};

inline constexpr std::size_t kMaxFeatures = 32;            // names that are read; more are ignored
inline constexpr std::size_t kMaxFeatureBytes = 64;        // of one name; a longer one is ignored
inline constexpr std::size_t kAnswerBytes = 256 * 1024;    // of one message from the server in answer to a command
inline constexpr std::size_t kLeastMaxMessage = 16 * 1024; // a smaller max_message is raised to this

class Features {
 public:
  constexpr Features() = default;
  [[nodiscard]] constexpr bool has(Feature feature) const { return (bits_ & bit(feature)) != 0; }
  constexpr void add(Feature feature) { bits_ |= bit(feature); }
  // Unknown names are ignored.
  constexpr void add(std::string_view name) {
    if (name.size() > kMaxFeatureBytes) return;
    for (const auto& [known, feature] : kFeatures)
      if (known == name) add(feature);
  }
  constexpr void add(Features others) { bits_ |= others.bits_; }
  [[nodiscard]] friend constexpr bool operator==(Features, Features) = default;

 private:
  [[nodiscard]] static constexpr std::uint8_t bit(Feature feature) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(feature));
  }
  std::uint8_t bits_ = 0;
};

// The terms of one connection.
struct ClientTerms {
  Features features;
  bool named_features = false;   // the client named features, known or not: the known ones are echoed
  std::uint32_t max_message = 0; // bytes; 0: none given

  // The longest answer that the client accepts, in bytes.
  [[nodiscard]] std::size_t answer_bytes() const {
    return max_message == 0 ? kAnswerBytes : std::min<std::size_t>(max_message, kAnswerBytes);
  }
  void name(Features more) { named_features = true, features.add(more); }
  void limit(std::uint64_t bytes) {
    max_message = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes, kLeastMaxMessage, UINT32_MAX));
  }
};

// Reads "a,b", the value of `features` in the query of a handshake.
[[nodiscard]] constexpr Features features_of_list(std::string_view list) {
  Features features;
  for (std::size_t n = 0; n < kMaxFeatures && !list.empty(); ++n) {
    const std::size_t end = std::min(list.find(','), list.size());
    features.add(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return features;
}

} // namespace foyer::protocol
