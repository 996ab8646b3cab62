// The signals of `foyer serve`, handled by one thread, one after another.
//
//   TERM, INT   drain and end; the second one ends at once
//   HUP         reload files
//   USR1        reopen the log
//   USR2, PIPE, ALRM, XFSZ   ignored
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace foyer::cli {

class Signals {
 public:
  enum class Order : std::uint8_t { end, reload, reopen_log, finished };

  // Before any other thread starts: they inherit the signal mask.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] Order wait() const;
  [[nodiscard]] std::optional<Order> wait(Millis at_most) const;
  // From any thread: wait() returns Order::finished.
  void finish() const;

 private:
  int signals_ = -1;  // signalfd
  int finished_ = -1; // eventfd
};

} // namespace foyer::cli
