// The members of one JSON object, read strictly and once: RFC 8259, valid UTF-8,
// no duplicate member at any depth, nothing before or after. For token headers and
// claims, where only a few members are used and each has a type.
//
// Views are valid until the next parse() of the same Fields. One Fields per thread
// and use is kept and reused, so that a token needs no set-up.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::jose {

struct Field {
  enum class Kind : std::uint8_t { null, boolean, number, string, strings, other }; // strings: an array of strings only
  std::string_view name;
  Kind kind = Kind::null;
  std::string_view text; // string
  double number = 0;     // number
  bool flag = false;     // boolean
  std::size_t first = 0; // strings: items [first, first + count)
  std::size_t count = 0;
};

class Fields {
 public:
  Fields();
  ~Fields();
  Fields(Fields&&) noexcept;
  Fields& operator=(Fields&&) noexcept;

  // The error describes the fault without quoting the text.
  [[nodiscard]] std::expected<void, std::string_view> parse(std::string_view text);
  [[nodiscard]] const Field* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Field>& all() const { return fields_; }
  [[nodiscard]] std::string_view item(const Field& field, std::size_t i) const { return items_[field.first + i]; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::vector<Field> fields_;
  std::vector<std::string_view> items_;
};

[[nodiscard]] std::string_view to_string(Field::Kind kind); // "a string", "a number", …

} // namespace foyer::jose
