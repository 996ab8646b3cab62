// Time and randomness are passed to constructors; no other code asks the
// operating system for them directly. Tests pass a ManualClock and FixedEntropy.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace foyer {

using Millis = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>; // UTC
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime wall() const = 0;
  [[nodiscard]] virtual MonoTime mono() const = 0;
};

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::byte> out) = 0; // thread safe

  [[nodiscard]] std::string token();                      // 256 bit, base64url, 43 characters
  [[nodiscard]] std::string short_id();                   // 95 bit, base64url, 16 characters, the first a letter
  [[nodiscard]] std::uint64_t number();                   // uniform 64 bit
  [[nodiscard]] std::uint64_t below(std::uint64_t bound); // uniform in [0, bound)
};

[[nodiscard]] const Clock& system_clock();
[[nodiscard]] Entropy& system_entropy();

class ManualClock final : public Clock { // any thread may read it, and advance it
 public:
  explicit ManualClock(WallTime start = WallTime{std::chrono::milliseconds{1'700'000'000'000}}) : start_(start) {}
  [[nodiscard]] WallTime wall() const override { return start_ + std::chrono::floor<Millis>(passed()); }
  [[nodiscard]] MonoTime mono() const override { return MonoTime{std::chrono::seconds{1000} + passed()}; }
  void advance(std::chrono::nanoseconds by) { passed_ += by.count(); }

 private:
  [[nodiscard]] std::chrono::nanoseconds passed() const { return std::chrono::nanoseconds{passed_}; }

  WallTime start_;
  std::atomic<std::int64_t> passed_{0};
};

// A counter spread over the bytes: every value differs, every run is the same.
class FixedEntropy final : public Entropy {
 public:
  explicit FixedEntropy(std::uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t state_;
};

[[nodiscard]] std::string rfc3339(WallTime t); // 2026-01-02T03:04:05.678Z
void append_rfc3339(std::string& out, WallTime t);
[[nodiscard]] std::optional<WallTime> read_rfc3339(std::string_view text); // only the exact format of rfc3339()
[[nodiscard]] inline std::int64_t unix_seconds(WallTime t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}
[[nodiscard]] inline std::int64_t unix_millis(WallTime t) { return t.time_since_epoch().count(); }
[[nodiscard]] inline WallTime from_unix_seconds(std::int64_t s) { return WallTime{std::chrono::seconds{s}}; }
[[nodiscard]] inline WallTime from_unix_millis(std::int64_t ms) { return WallTime{std::chrono::milliseconds{ms}}; }

} // namespace foyer
