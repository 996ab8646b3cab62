#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <set>
#include <vector>

#include "base/bytes.h"

namespace foyer::json {
namespace {

using boost::json::error_code;

// Receives the parser's events and builds the value. Refuses what RFC 8259 leaves
// open: duplicate names in one object, and numbers that no double can hold.
class Builder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  Builder() { stack_.reset(); }
  [[nodiscard]] Value release() { return stack_.release(); }
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code&) {
    stack_.push_array(n);
    return true;
  }
  bool on_object_begin(error_code&) {
    open_.push_back({.first = names_.size(), .many = {}});
    return true;
  }
  bool on_object_end(std::size_t n, error_code&) {
    names_.resize(open_.back().first);
    open_.pop_back();
    stack_.push_object(n);
    return true;
  }
  bool on_string_part(std::string_view s, std::size_t, error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_string(std::string_view s, std::size_t, error_code&) {
    stack_.push_string(s);
    return true;
  }
  bool on_key_part(std::string_view s, std::size_t, error_code&) {
    name_ += s;
    stack_.push_chars(s);
    return true;
  }
  bool on_key(std::string_view s, std::size_t, error_code& ec) {
    name_ += s;
    if (!is_new(name_)) return complain(fmt::format("the name \"{}\" occurs twice", printable(name_, 64)), ec);
    name_.clear();
    stack_.push_key(s);
    return true;
  }
  bool on_number_part(std::string_view s, error_code&) {
    number_ += s;
    return true;
  }
  bool on_int64(std::int64_t n, std::string_view, error_code&) {
    number_.clear();
    stack_.push_int64(n);
    return true;
  }
  bool on_uint64(std::uint64_t n, std::string_view, error_code&) {
    number_.clear();
    stack_.push_uint64(n);
    return true;
  }
  bool on_double(double, std::string_view s, error_code& ec) {
    number_ += s;
    double exact = 0; // correctly rounded, unlike the parser's own conversion
    const auto result = std::from_chars(number_.data(), number_.data() + number_.size(), exact);
    // Too small for a double becomes zero; too large is refused.
    if (result.ec == std::errc::result_out_of_range && is_tiny(number_))
      exact = 0;
    else if (result.ec != std::errc{} || !std::isfinite(exact))
      return complain("a number is out of range", ec);
    number_.clear();
    stack_.push_double(exact);
    return true;
  }
  bool on_bool(bool b, error_code&) {
    stack_.push_bool(b);
    return true;
  }
  bool on_null(error_code&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(std::string_view, error_code&) { return true; }
  bool on_comment(std::string_view, error_code&) { return true; }

 private:
  // For a number outside the range of a double: whether it is too small rather than too large. Its first
  // significant digit decides, with the exponent.
  static bool is_tiny(std::string_view number) {
    const auto e = std::min(number.find_first_of("eE"), number.size());
    const auto digits = number.substr(0, e);
    const auto first = digits.find_first_of("123456789");
    if (first == std::string_view::npos) return true;
    const auto point = std::min(digits.find('.'), digits.size());
    const auto place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
    auto power = number.substr(std::min(e + 1, number.size()));
    if (power.starts_with('+')) power.remove_prefix(1);
    std::int64_t exponent = 0;
    const auto read = std::from_chars(power.data(), power.data() + power.size(), exponent);
    if (read.ec == std::errc::result_out_of_range) return power.starts_with('-');
    return place + std::clamp<std::int64_t>(exponent, -1'000'000'000'000, 1'000'000'000'000) < 0;
  }
  // Notes a name of the innermost object. The few of most objects are compared one by one, without a node for each.
  bool is_new(const std::string& name) {
    constexpr std::size_t kFew = 16;
    Open& object = open_.back();
    const auto first = names_.begin() + static_cast<std::ptrdiff_t>(object.first);
    if (std::find(first, names_.end(), name) != names_.end() || object.many.contains(name)) return false;
    if (names_.size() - object.first < kFew)
      names_.push_back(name);
    else
      object.many.insert(name);
    return true;
  }
  bool complain(std::string what, error_code& ec) {
    complaint_ = std::move(what);
    ec = boost::json::error::extra_data;
    return false;
  }

  boost::json::value_stack stack_;
  struct Open {
    std::size_t first;          // its names in names_
    std::set<std::string> many; // those for which there was no place
  };
  std::vector<Open> open_; // the objects around this place
  std::vector<std::string> names_;
  std::string name_;
  std::string number_;
  std::string complaint_;
};

// The characters that append_string() escapes.
constexpr auto kEscaped = [] {
  std::array<bool, 256> escaped{};
  for (std::size_t c = 0; c < 0x20; ++c) escaped[c] = true;
  for (const unsigned char c : {'"', '\\', '\x7f'}) escaped[c] = true;
  return escaped;
}();

std::string where(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const auto before = text.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto start = before.rfind('\n');
  const auto column = offset - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return fmt::format("line {} column {}", line, column);
}

void pretty(std::string& out, const Value& value, std::size_t indent) {
  const auto line = [&out](std::size_t n) {
    out += '\n';
    out.append(n, ' ');
  };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& member : *object) {
      if (!first) out += ',';
      first = false;
      line(indent + 2);
      append_string(out, member.key());
      out += ": ";
      pretty(out, member.value(), indent + 2);
    }
    line(indent);
    out += '}';
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    bool first = true;
    for (const auto& element : *array) {
      if (!first) out += ',';
      first = false;
      line(indent + 2);
      pretty(out, element, indent + 2);
    }
    line(indent);
    out += ']';
  } else {
    out += write(value);
  }
}

} // namespace

std::expected<Value, std::string> parse(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes) return std::unexpected(fmt::format("longer than {} bytes", limits.bytes));
  boost::json::parse_options options;
  options.max_depth = static_cast<std::size_t>(std::max(limits.depth, 0));
  boost::json::basic_parser<Builder> parser(options);
  error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) {
    const auto& complaint = parser.handler().complaint();
    return std::unexpected(fmt::format("{} at {}", complaint.empty() ? ec.message() : complaint, where(text, used)));
  }
  if (used < text.size())
    return std::unexpected(fmt::format("unexpected data after the value at {}", where(text, used)));
  return parser.handler().release();
}

std::string write(const Value& value) { return boost::json::serialize(value); }

std::string write_pretty(const Value& value) {
  std::string out;
  pretty(out, value, 0);
  return out;
}

std::string compact(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t kept = 0; // start of the run that stays
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"')
      in_string = !in_string;
    else if (in_string && c == '\\')
      ++i;
    else if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
      out.append(text, kept, i - kept), kept = i + 1;
  }
  return out.append(text, std::min(kept, text.size()));
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0; // start of the run that needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!kEscaped[c]) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += fmt::format("\\u{:04x}", c);
    }
  }
  out.append(text, plain);
  out += '"';
}

std::optional<std::string_view> get_string(const Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

std::optional<std::int64_t> get_int(const Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

std::optional<bool> get_bool(const Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

} // namespace foyer::json
