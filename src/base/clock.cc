#include "base/clock.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>

#include "base/bytes.h"

namespace foyer {
namespace {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  [[nodiscard]] MonoTime mono() const override { return std::chrono::steady_clock::now(); }
};

class SystemEntropy final : public Entropy {
 public:
  // Ids are small and frequent, so they come from a block drawn per thread. Bytes
  // that were used are wiped from the block.
  void fill(std::span<std::byte> out) override {
    thread_local Block block;
    if (out.size() > block.bytes.size() / 4) return draw(out);
    if (block.left < out.size()) {
      draw(block.bytes);
      block.left = block.bytes.size();
    }
    const auto given = std::span(block.bytes).subspan(block.left - out.size(), out.size());
    std::ranges::copy(given, out.begin());
    OPENSSL_cleanse(given.data(), given.size());
    block.left -= out.size();
  }

 private:
  struct Block {
    std::array<std::byte, 1024> bytes{};
    std::size_t left = 0;
    ~Block() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  };

  static void draw(std::span<std::byte> out) {
    constexpr std::size_t kMost = std::numeric_limits<int>::max();
    while (!out.empty()) {
      const std::size_t n = std::min(out.size(), kMost);
      // A process that cannot draw random numbers must not issue credentials.
      if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(n)) != 1) std::abort();
      out = out.subspan(n);
    }
  }
};

std::string random_text(Entropy& entropy, std::size_t bytes) {
  std::string raw(bytes, '\0');
  entropy.fill(std::as_writable_bytes(std::span(raw)));
  return base64url_encode(raw);
}

} // namespace

std::string Entropy::token() { return random_text(*this, 32); }

// Begins with a letter, so that an id on a command line is never read as an option.
std::string Entropy::short_id() {
  std::string raw(12, '\0');
  fill(std::as_writable_bytes(std::span(raw)));
  raw[0] = static_cast<char>(raw[0] & 0x7F);
  return base64url_encode(raw);
}

std::uint64_t Entropy::number() {
  std::uint64_t n = 0;
  fill(std::as_writable_bytes(std::span(&n, 1)));
  return n;
}

std::uint64_t Entropy::below(std::uint64_t bound) {
  if (bound < 2) return 0;
  // Values of the incomplete last round of `bound` would favour small results.
  const std::uint64_t unfair = (std::numeric_limits<std::uint64_t>::max() % bound + 1) % bound;
  for (;;) {
    const std::uint64_t n = number();
    if (n <= std::numeric_limits<std::uint64_t>::max() - unfair) return n % bound;
  }
}

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

Entropy& system_entropy() {
  static SystemEntropy entropy;
  return entropy;
}

// SplitMix64 (Steele, Lea, Flood 2014): a counter whose bits are mixed.
void FixedEntropy::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    const std::size_t n = std::min(out.size(), sizeof z);
    std::memcpy(out.data(), &z, n);
    out = out.subspan(n);
  }
}

void append_rfc3339(std::string& out, WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
      time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::string rfc3339(WallTime t) {
  std::string out;
  append_rfc3339(out, t);
  return out;
}

std::optional<WallTime> read_rfc3339(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000Z";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (kShape[i] == '0' ? (text[i] < '0' || text[i] > '9') : text[i] != kShape[i]) return std::nullopt;
  const auto number = [text](std::size_t from, std::size_t digits) {
    int value = 0;
    for (std::size_t i = from; i < from + digits; ++i) value = value * 10 + (text[i] - '0');
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year{number(0, 4)},
      std::chrono::month{static_cast<unsigned>(number(5, 2))}, std::chrono::day{static_cast<unsigned>(number(8, 2))}};
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) return std::nullopt;
  return WallTime{std::chrono::sys_days{date}} + std::chrono::hours{number(11, 2)} +
      std::chrono::minutes{number(14, 2)} + std::chrono::seconds{number(17, 2)} + Millis{number(20, 3)};
}

} // namespace foyer
