// An array of PostgreSQL as the text of one parameter: CAST(? AS TEXT[]).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace foyer::store {

inline std::string array_of(std::span<const std::string_view> texts) {
  std::string out = "{";
  for (const std::string_view text : texts) {
    out += out.size() == 1 ? "\"" : ",\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

// Of numbers, one after the other.
class NumberArray {
 public:
  template <class Number>
  void add(Number number) {
    text_ += text_.empty() ? '{' : ',';
    text_ += std::to_string(number);
  }
  [[nodiscard]] std::string text() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string text_;
};

} // namespace foyer::store
