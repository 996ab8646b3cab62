// A connection that reconnects: opened when it is needed, and again after it was
// lost. While the database cannot be reached the tries are 100 ms apart, doubling to
// 2 s, minus a random part of up to half so that many processes do not retry at once;
// a request in between fails at once with the reason.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "store/database.h"

namespace foyer::store {

class Connection {
 public:
  // `entropy` may be null: the waits are then exact. The arguments must outlive it.
  Connection(Opener opener, const Clock& clock, Entropy* entropy)
      : opener_(std::move(opener)),
        clock_(clock),
        entropy_(entropy) {}

  // The causes of the opener; between tries the last of them, with the time until the next try.
  [[nodiscard]] Result<Database*> get();
  [[nodiscard]] Database* now() const { return database_.get(); } // null: not open
  void drop() { database_.reset(); }

 private:
  void put_off(const Refusal& why);

  const Opener opener_;
  const Clock& clock_;
  Entropy* entropy_;
  std::unique_ptr<Database> database_;
  std::optional<Refusal> away_; // set while tries are delayed
  MonoTime next_try_{};
  Millis wait_{0};
};

} // namespace foyer::store
