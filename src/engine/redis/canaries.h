// Whether a node hears the other nodes over the bus. Each node sends a numbered canary in each tick, and should hear
// its own and those of every live member on each of its paths. A connection that answers commands may still deliver
// nothing, and a server may deliver to some subscribers and not to others: only what arrives tells.
//
//   a path is deaf   two canaries in a row are missing there, of this node or of another live member
//   alone            this node's paths are deaf, and every other member says that it hears all others
//   node_deaf        this node does not even hear itself, and the database has not been read lately either (that a
//                    member which died is still in the list does not suffice); or alone, for a while
//
// While a server holds back what is published, in a planned failover, nothing is lost and nobody is deaf for it.
//
// Who the members are, and what they say, comes from the database and not over the bus. Time counts in this node's own
// ticks: a process that was paused has missed none.
//
// Pure: no clock, no I/O. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace foyer::engine {

// In ticks.
inline constexpr std::uint64_t kCanariesMissed = 2;  // in a row: the path is deaf
inline constexpr std::uint64_t kCanaryGrace = 1;     // that one may be on its way
inline constexpr std::uint64_t kFirstCanary = 10;    // a new member may take that long until its first one
inline constexpr std::uint64_t kDatabaseSilence = 5; // without a reading of the members
inline constexpr std::uint64_t kAlonePatience = 6;   // others may be about to say that they hear nothing either
inline constexpr std::uint64_t kMostHeldBack = 30;   // a failover that takes longer is no excuse

struct OtherMember {
  std::string node;
  std::optional<std::vector<std::string>> unheard =
      {}; // whom it says it does not hear; nothing: it said nothing lately
};

struct Hearing {
  bool bus_deaf = false;
  bool node_deaf = false;
  bool alone = false;                    // why it is node_deaf
  std::vector<std::size_t> paths = {};   // on which somebody is not heard
  std::vector<std::string> unheard = {}; // by name, each once; this node among them
  // Without the paths: while one is heard again before the other, nothing is new.
  friend bool operator==(const Hearing& a, const Hearing& b) {
    return a.bus_deaf == b.bus_deaf && a.node_deaf == b.node_deaf && a.alone == b.alone && a.unheard == b.unheard;
  }
};

class CanaryWatch {
 public:
  // `paths`: numbered from 0.
  CanaryWatch(std::string self, std::size_t paths, Millis tick)
      : self_(std::move(self)),
        paths_(paths),
        since_(paths, 0),
        tick_(tick) {}

  void resize(std::size_t paths);
  void renew(std::size_t path); // another connection has its place: nothing has arrived there yet

  // A tick: the number of the canary to send. Nothing: the last tick was just now, since the timer was late.
  [[nodiscard]] std::optional<std::uint64_t> tick(MonoTime now);
  void heard(std::size_t path, std::string_view node, std::uint64_t number);
  [[nodiscard]] bool late() const; // an own canary of an earlier tick is missing: the server may hold it back
  void held_back();                // it does so now
  // The database was read: these members are alive, beside this node.
  void members(std::vector<OtherMember> others);
  [[nodiscard]] Hearing judge() const { return hearing_; } // as of the last tick

 private:
  struct Voice {
    std::uint64_t number = 0; // the highest
    std::uint64_t at = 0;     // own ticks when it came
    friend bool operator==(const Voice&, const Voice&) = default;
  };
  using Path = std::map<std::string, Voice, std::less<>>;
  struct Known {
    OtherMember member;
    std::uint64_t since = 0; // own ticks when it was first read
  };

  [[nodiscard]] Hearing missing() const;
  [[nodiscard]] bool is_missing(std::size_t path, const Known& other) const;
  [[nodiscard]] bool others_hear_each_other() const;

  const std::string self_;
  std::vector<Path> paths_;
  std::vector<std::uint64_t> since_; // own ticks when each began
  const Millis tick_;
  std::uint64_t ticks_ = 0; // also the number of the last own canary
  std::optional<MonoTime> last_tick_;
  std::map<std::string, Known, std::less<>> others_;
  std::uint64_t read_at_ = 0; // own ticks at the last reading of the database
  std::uint64_t alone_for_ = 0;
  std::uint64_t held_at_ = 0;    // own ticks when it was last an excuse that the server held back; 0: never
  std::uint64_t held_since_ = 0; // when that began
  std::uint64_t held_seen_ = 0;  // the last time, also when it is no excuse any more
  Hearing hearing_;
};

// Canaries as bytes.
struct Canary {
  std::string node;
  std::uint64_t number = 0;
};
[[nodiscard]] std::string to_bytes(const Canary& canary);
[[nodiscard]] std::optional<Canary> read_canary(std::string_view bytes); // nothing: it is none, or of a later release

} // namespace foyer::engine
