// The keys that session tickets are sealed with (RFC 5077, RFC 8446 §4.6.1): derived
// from the process's entropy, shared by all loops, known to nobody else. A ticket
// holds the whole session, so nothing is stored here, and none outlives the process.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

#include "base/clock.h"

namespace foyer::io {

class TicketKeys {
 public:
  static constexpr Millis kPeriod{12LL * 3'600'000}; // between two rotations, and the life of a ticket

  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher; // AES-256-CBC
    std::array<unsigned char, 32> mac;    // HMAC-SHA-256
  };
  struct Pair {
    Key current;
    Key former; // opens tickets sealed before the last rotation
  };

  explicit TicketKeys(Entropy& entropy);
  ~TicketKeys(); // wipes
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // From any thread.
  void rotate();
  [[nodiscard]] Pair keys() const;
  [[nodiscard]] Entropy& entropy() const { return entropy_; }

 private:
  Entropy& entropy_;
  mutable std::mutex mutex_;
  Pair pair_{};
};

} // namespace foyer::io
