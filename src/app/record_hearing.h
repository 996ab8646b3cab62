// Whether a node reads what others do, where nothing but the database tells it: as a source of the tail it is asked in
// each reading. Without one for a while the node is deaf (NODE_DEAF): its clients may miss messages and cannot know it.
// Time counts in ticks of its own, so a process that was paused has missed nothing.
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
inline constexpr Millis kLeastRecordTick{400}; // a reading takes a few round trips

class RecordHearing final : public engine::TailSource {
 public:
  // `control` and `log` outlive this.
  RecordHearing(Millis tick, Executor& control, Log& log);

  void began_anew() override {}
  [[nodiscard]] Result<void> read(store::Database&, MonoTime) override;

  void watch(BetweenNodes::Watch watch);                         // any thread
  [[nodiscard]] std::vector<observe::HealthCheck> ready() const; // as long as this lives

 private:
  void tick();
  void tell(bool deaf);

  Log& log_;
  std::atomic<std::uint64_t> readings_{0};
  std::atomic<bool> deaf_{false};
  std::uint64_t seen_ = 0; // of the ticks
  int silent_ = 0;
  std::mutex mutex_;
  BetweenNodes::Watch watch_;
  engine::Ticker ticker_;
};

} // namespace foyer::app
