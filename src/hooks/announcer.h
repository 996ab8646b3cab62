// Events that report nothing stored: who is there. They go to the outbox too, and from there on nothing is lost, but a
// crash before that loses them: they are marked `best_effort`. Where no hook wants them, nothing is done.
//
// A user who returns within kAway was not offline.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "engine/hooks.h"

namespace foyer::hooks {

class Announcer {
 public:
  static constexpr Millis kAway{10'000};
  static constexpr Millis kGather{50};           // events that happen within this are written together
  static constexpr std::size_t kQueued = 10'000; // further ones are dropped and counted

  // All outlive it.
  Announcer(engine::HookOutbox& outbox, Executor& control, const Clock& clock, Metrics& metrics);
  ~Announcer();
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // Any thread. The room has its first subscriber in this process, or none any more.
  void occupied(std::string_view room);
  void vacated(std::string_view room);
  // The user has its first connection to this process, or none any more.
  void online(std::string_view user);
  void offline(std::string_view user);
  // {"session":…}, {"token":…} or {"user":…,"issued_before":…}: what ended, as `kind` and its id.
  void revoked(std::string_view kind, std::string_view id, WallTime at);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::hooks
