// Whether a node reads what others do in the database: as a source of the tail it is asked in each reading. Without a
// reading for a while a node is deaf (NODE_DEAF) if nothing else tells it of the others: its clients may miss messages
// and cannot know it. Beside a bus it goes on, and says that it cannot notice what the bus loses. Time counts in ticks
// of its own, so a process that was paused has missed nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "app/between_nodes.h"
#include "base/log.h"
#include "engine/redis/ticker.h"
#include "engine/sql/node_tail.h"

namespace foyer::app {

inline constexpr int kSilentTicks = 5;         // then the node is deaf
inline constexpr int kUnreadTicks = 4;         // beside a bus: then it says so, at most a tick after that time
inline constexpr Millis kLeastRecordTick{400}; // a reading takes a few round trips

class RecordHearing final : public engine::TailSource {
 public:
  enum class Beside : std::uint8_t { nothing, bus };
  // `control` and `log` outlive this.
  RecordHearing(Beside beside, Millis tick, Executor& control, Log& log);

  void began_anew() override {}
  [[nodiscard]] Result<void> read(store::Database&, MonoTime) override;

  void watch(BetweenNodes::Watch watch);                         // any thread; without a bus
  [[nodiscard]] std::vector<observe::HealthCheck> ready() const; // as long as this lives

 private:
  void tick();
  void tell_deaf(bool deaf);
  void tell_unread(bool unread);

  const Beside beside_;
  Log& log_;
  std::atomic<std::uint64_t> readings_{0};
  std::atomic<bool> silent_{false}; // for too long
  std::uint64_t seen_ = 0;          // of the ticks
  int silent_ticks_ = 0;
  std::mutex mutex_;
  BetweenNodes::Watch watch_;
  engine::Ticker ticker_;
};

} // namespace foyer::app
