#include "store/age_guard.h"

#include <algorithm>

namespace foyer::store {
namespace {

Millis size_of(Millis span) { return span < Millis{0} ? -span : span; }

} // namespace

std::string_view to_string(ClockDoubt doubt) {
  switch (doubt) {
    case ClockDoubt::none: return "none";
    case ClockDoubt::ahead: return "ahead";
    case ClockDoubt::behind: return "behind";
    case ClockDoubt::jumped: return "jumped";
    case ClockDoubt::server: return "server";
  }
  return "none";
}

void AgeGuard::wait(ClockDoubt why, Millis off, WallTime reference, MonoTime now) {
  doubt_ = why;
  off_ = off;
  reference_ = reference;
  steady_since_ = now;
}

// An operator who confirms the clock although the server's differs accepts this difference.
bool AgeGuard::server_differs(const Reading& now) {
  const bool differs = now.server && size_of(now.wall - *now.server) > policy_.apart;
  overruled_ = overruled_ && differs;
  return differs && !overruled_;
}

void AgeGuard::begin(const Reading& now, std::optional<WallTime> believed, std::optional<WallTime> newest) {
  begun_ = true;
  last_ = now;
  const auto known = believed ? believed : newest;
  const auto latest = std::max(believed, newest);
  if (server_differs(now))
    wait(ClockDoubt::server, now.wall - *now.server, *now.server, now.mono);
  else if (latest && *latest - now.wall > policy_.step)
    wait(ClockDoubt::behind, now.wall - *latest, *latest, now.mono);
  else if (known && now.wall - *known > policy_.most_ahead)
    wait(ClockDoubt::ahead, now.wall - *known, *known, now.mono);
}

bool AgeGuard::observe(const Reading& now) {
  const Millis passed = std::chrono::floor<Millis>(now.mono - last_.mono);
  const WallTime expected = last_.wall + passed;
  last_ = now;
  if (server_differs(now)) {
    const bool is_news = doubt_ != ClockDoubt::server;
    wait(ClockDoubt::server, now.wall - *now.server, *now.server, now.mono);
    return is_news;
  }
  if (size_of(now.wall - expected) > policy_.step) {
    wait(ClockDoubt::jumped, now.wall - expected, expected, now.mono);
    return true;
  }
  if (waiting() && now.mono - steady_since_ >= policy_.steady) {
    doubt_ = ClockDoubt::none;
    return true;
  }
  return false;
}

void AgeGuard::believe(const Reading& now) {
  begun_ = true;
  last_ = now;
  doubt_ = ClockDoubt::none;
  overruled_ = true;
}

Millis AgeGuard::left(MonoTime now) const {
  if (!waiting()) return Millis{0};
  return std::max(Millis{0}, policy_.steady - std::chrono::floor<Millis>(now - steady_since_));
}

} // namespace foyer::store
