// Ends the objects of a loop's SlotTable in batches, spread over some time, so that their peers do not all reconnect at
// once. Objects that are added meanwhile are ended as well: the batches repeat until none is left.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "io/slot_table.h"
#include "io/transport.h"

namespace foyer::io {

template <class T>
class PacedDrain final : private Timer {
 public:
  using Done = std::move_only_function<void()>;

  // `end` ends one object; it may be called again for one that has not gone yet. No `Done` may destroy this.
  PacedDrain(Loop& loop, const SlotTable<T>& table, void (T::*end)()) : loop_(loop), table_(table), end_(end) {}

  // Every object that is there now is ended within about `time`. `done` runs when none is left.
  void start(Millis time, Done done) {
    started_ = true;
    const auto steps = static_cast<std::size_t>(std::max<std::int64_t>(1, time / kStep));
    cursor_ = 0;
    go(table_.slots() / steps + 1, std::move(done));
  }
  // Afterwards: ends those that were added meanwhile, without spreading.
  void finish(Done done) { go(table_.slots(), std::move(done)); }
  // Call after each removal from the table.
  void removed() {
    if (table_.empty() && done_) std::exchange(done_, nullptr)();
  }
  [[nodiscard]] bool started() const { return started_; }

 private:
  static constexpr Millis kStep{50};

  void go(std::size_t batch, Done done) {
    if (table_.empty()) return done();
    done_ = std::move(done);
    batch_ = batch;
    loop_.arm(*this, kStep);
  }
  void on_timer() override {
    for (std::size_t n = 0; n < batch_ && cursor_ < table_.slots(); ++cursor_) {
      T* object = table_.in_slot(cursor_);
      if (object == nullptr) continue;
      ++n;
      (object->*end_)();
    }
    if (cursor_ >= table_.slots()) cursor_ = 0;
    if (!table_.empty()) loop_.arm(*this, kStep);
  }

  Loop& loop_;
  const SlotTable<T>& table_;
  void (T::*end_)();
  Done done_; // null: not started
  std::size_t batch_ = 0;
  std::uint32_t cursor_ = 0;
  bool started_ = false;
};

} // namespace foyer::io
