// The words of a statement, and the small languages inside of one: durations,
// repetitions, and how somebody comes in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/http.h"
#include "harness/node.h"
#include "harness/script.h"

namespace foyer::harness {

class Words {
 public:
  explicit Words(std::string_view text) : rest_(trim(text)) {}
  [[nodiscard]] std::string_view peek() const { return rest_.substr(0, rest_.find(' ')); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] std::string_view rest_after_first() const { return trim(rest_.substr(peek().size())); }
  std::string_view take() {
    const std::string_view word = peek();
    rest_ = rest_after_first();
    return word;
  }
  // Takes the words if they are next.
  bool accept(std::string_view word) {
    if (peek() != word) return false;
    take();
    return true;
  }
  bool accept(std::string_view first, std::string_view second) {
    const Words before = *this;
    if (accept(first) && accept(second)) return true;
    *this = before;
    return false;
  }

 private:
  std::string_view rest_;
};

// 500ms, 35s, 2m, 1h, also negative.
[[nodiscard]] std::optional<Millis> read_duration(std::string_view text);
// "300 times X" → {300, X}; "X" → {1, X}.
[[nodiscard]] std::pair<std::size_t, std::string_view> read_times(std::string_view text);
// Every $i is the number of the repetition.
[[nodiscard]] std::string with_index(std::string_view text, std::size_t index);

// Without the quotes around it, if there are any.
[[nodiscard]] std::string unquoted(std::string_view text);

// How somebody comes in: "with OPTION, OPTION, …".
struct Entry {
  Wish wish;
  std::string how = "header"; // header, subprotocol, message, ticket, cookie, url
  std::string path = "/ws/chat";
  std::string origin;
  std::string address = "127.0.0.1";
  Headers headers;
  std::optional<std::size_t> loop;
  bool api_key = false;
  std::string early; // a text message that follows the handshake at once
};
// Throws std::invalid_argument for what it does not understand.
[[nodiscard]] Entry read_entry(Words& words);

} // namespace foyer::harness
