#include "auth/contract/variants.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace foyer::auth {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kSpace = " \t\r\n";

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

std::optional<std::string> unquoted(std::string_view text) {
  if (text.size() < 3 || text.front() != text.back() || (text.front() != '"' && text.front() != '\''))
    return std::nullopt;
  return std::string(text.substr(1, text.size() - 2));
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0'
        : c >= 'a' && c <= 'f'  ? c - 'a' + 10
        : c >= 'A' && c <= 'F'  ? c - 'A' + 10
                                : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

} // namespace

std::vector<Variant> variants(std::string_view secret) {
  std::vector<Variant> out;
  const auto add = [&out](std::string name, std::optional<std::string> value) {
    if (!value || value->empty() || std::ranges::any_of(out, [&](const Variant& v) { return v.secret == *value; }))
      return;
    out.push_back({std::move(name), std::move(*value)});
  };
  const std::string text(secret);
  add("as it is", text);
  add("plus a newline", text + "\n");
  add("plus a carriage return and a newline", text + "\r\n");
  add("plus a carriage return", text + "\r");
  if (text.ends_with("\r\n"))
    add("without its final carriage return and newline", text.substr(0, text.size() - 2));
  else if (text.ends_with('\n'))
    add("without its final newline", text.substr(0, text.size() - 1));
  else if (text.ends_with('\r'))
    add("without its final carriage return", text.substr(0, text.size() - 1));
  add("without its surrounding white space", trimmed(text));
  add("plus a space", text + " ");
  add("in double quotes", '"' + text + '"');
  add("in single quotes", '\'' + text + '\'');
  add("without its quotes", unquoted(text));
  add("plus a byte order mark", std::string(kByteOrderMark) + text);
  if (text.starts_with(kByteOrderMark)) add("without its byte order mark", text.substr(kByteOrderMark.size()));
  add("base64-decoded", base64_decode(text));
  add("base64url-decoded", base64url_decode(text));
  add("base64-encoded", base64_encode(text));
  add("hex-decoded", hex_decode(text));
  return out;
}

} // namespace foyer::auth
