// A fuzzer is one file: statements about an input.
//
//   FUZZER(url) {                       // `input` is a std::string_view
//     const auto url = parse_url(input);
//     if (url) invariant(url->port != 0, "a URL has a port");
//   }
//
// The same file is a libFuzzer program (preset fuzz) and a part of the program that
// replays the committed inputs (every build with tests).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "invariant.h"

namespace foyer::fuzz {

using Function = void (*)(std::string_view);
// Makes a fuzzer known to replay.cc.
bool add(std::string_view name, Function function);

// Takes values off the front of an input; zeros when it is used up.
class Bytes {
 public:
  explicit Bytes(std::string_view input) : rest_(input) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  std::string_view take(std::size_t size) {
    const auto taken = rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::uint8_t byte() {
    const auto taken = take(1);
    return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
  }
  std::uint32_t word() {
    std::uint32_t out = 0;
    for (const char c : take(4)) out = out << 8U | static_cast<unsigned char>(c);
    return out;
  }
  // As many bytes as the first byte says, at most.
  std::string_view text() { return take(byte()); }
  // Up to a line feed, which goes with it.
  std::string_view line() {
    const auto end = std::min(rest_.find('\n'), rest_.size());
    const auto taken = take(end);
    take(1);
    return taken;
  }

 private:
  std::string_view rest_;
};

} // namespace foyer::fuzz

#ifdef FOYER_FUZZ_REPLAY
#define FUZZER(name)                                                                             \
  static void fuzz_##name(std::string_view input);                                               \
  [[maybe_unused]] static const bool fuzz_##name##_known = foyer::fuzz::add(#name, fuzz_##name); \
  static void fuzz_##name([[maybe_unused]] std::string_view input)
#else
#define FUZZER(name)                                                                  \
  static void fuzz_##name(std::string_view input);                                    \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name({reinterpret_cast<const char*>(data), size});                         \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_##name([[maybe_unused]] std::string_view input)
#endif
