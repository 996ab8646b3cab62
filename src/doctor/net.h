// Names and TCP, blocking up to a deadline. Every result is a value; a failure of this machine is told from one of the
// peer (`fault`).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doctor/facts.h"

namespace foyer::doctor {

// A moment after which nobody waits any more.
class Deadline {
 public:
  Deadline(const Clock& clock, Millis from_now) : clock_(&clock), at_(clock.mono() + from_now) {}
  // The earlier of the two.
  [[nodiscard]] Deadline within(Millis from_now) const;
  [[nodiscard]] int left_ms() const; // for poll(); 0: it has passed
  [[nodiscard]] bool passed() const { return left_ms() == 0; }
  [[nodiscard]] const Clock& clock() const { return *clock_; }

 private:
  const Clock* clock_;
  MonoTime at_;
};

class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(&clock), start_(clock.mono()) {}
  [[nodiscard]] Took elapsed() const { return std::chrono::duration_cast<Took>(clock_->mono() - start_); }

 private:
  const Clock* clock_;
  MonoTime start_;
};

// A socket that is closed with this object.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

inline constexpr std::size_t kMostAddresses = 8; // of one name

[[nodiscard]] NameFacts resolve(const std::string& host, const Deadline& deadline);
// To all of them at the same time, so that a dead one costs the others nothing. In the order given.
[[nodiscard]] std::vector<ConnectFacts> connect_all(
    const std::vector<std::string>& addresses, std::uint16_t port, const Deadline& deadline);
// Invalid: `facts` says why.
[[nodiscard]] Socket connect_to(
    const std::string& address, std::uint16_t port, const Deadline& deadline, ConnectFacts& facts);

} // namespace foyer::doctor
