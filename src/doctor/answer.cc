#include "doctor/answer.h"

#include <algorithm>
#include <charconv>

#include "wire/http_lines.h"

namespace foyer::doctor {
namespace {

constexpr std::string_view kMark = "HTTP/1.";
constexpr std::size_t kStatusLine = 12; // "HTTP/1.1 101"

std::string_view take_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_chunked(const Exchange& exchange) {
  return wire::list_has_token(exchange.headers.joined("Transfer-Encoding"), "chunked");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

} // namespace

std::size_t head_size(std::string_view bytes) {
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (bytes.substr(at + 1).starts_with('\n')) return at + 2;
    if (bytes.substr(at + 1).starts_with("\r\n")) return at + 3;
  }
  return 0;
}

bool may_be_http(std::string_view bytes) {
  const auto size = std::min(bytes.size(), kMark.size());
  return bytes.substr(0, size) == kMark.substr(0, size);
}

bool read_head(std::string_view head, Exchange& exchange) {
  const std::string_view first = take_line(head);
  if (first.size() < kStatusLine || !first.starts_with(kMark) || !is_digit(first[7]) || first[8] != ' ') return false;
  const auto number = first.substr(9, 3);
  if (!std::ranges::all_of(number, is_digit)) return false;
  exchange.is_http = true;
  exchange.version_minor = first[7] - '0';
  std::from_chars(number.data(), number.data() + number.size(), exchange.status);
  exchange.reason = std::string{wire::trim_blanks(first.substr(kStatusLine))};
  while (!head.empty()) {
    const std::string_view line = take_line(head);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    exchange.headers.add(
        std::string{wire::trim_blanks(line.substr(0, colon))}, std::string{wire::trim_blanks(line.substr(colon + 1))});
  }
  return true;
}

bool body_complete(const Exchange& exchange, std::string_view body) {
  if (exchange.status == 204 || exchange.status == 304) return true;
  if (body.size() >= kMostBodyBytes) return true;
  if (is_chunked(exchange)) return body.ends_with("0\r\n\r\n");
  const std::string* length = exchange.headers.find("Content-Length");
  if (length == nullptr) return false;
  const auto due = wire::parse_content_length(*length);
  return due && body.size() >= *due;
}

std::string body_text(const Exchange& exchange, std::string_view body) {
  if (!is_chunked(exchange)) return std::string{body.substr(0, kMostBodyBytes)};
  std::string out;
  while (!body.empty() && out.size() < kMostBodyBytes) {
    const std::string_view line = take_line(body);
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    if (error != std::errc{} || end == line.data() || size == 0) break;
    out.append(body.substr(0, size));
    body.remove_prefix(std::min(body.size(), size));
    (void)take_line(body);
  }
  return out;
}

} // namespace foyer::doctor
