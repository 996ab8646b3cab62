#include "wire/http_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/bytes.h"

namespace foyer::wire {
namespace {

constexpr std::size_t kMaxChunkSizeLine = 256;
constexpr std::size_t kMaxChunkExtras = 8 * 1024;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr auto kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c)
    table[static_cast<std::size_t>(c)] = is_digit(static_cast<char>(c)) || is_alpha(static_cast<char>(c));
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~"}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Bytes that are allowed in any line of a head: visible, blank, TAB, obs-text.
constexpr auto kLineChars = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 256; ++c) table[c] = c != 0x7f;
  table['\t'] = true;
  return table;
}();

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Refusal bad_line(std::string_view field, std::string evidence) {
  return Refusal{.cause = Cause::BAD_REQUEST, .evidence = std::move(evidence), .field = std::string{field}};
}

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

// Length of a quoted-string at the front of `text` (RFC 9110 §5.6.4); 0: there is none. The
// line has been checked: it holds no control character but TAB.
std::size_t quoted_string(std::string_view text) {
  if (!text.starts_with('"')) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\' && ++i == text.size()) return 0;
  }
  return 0;
}

std::size_t token_length(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && kTokenChars[static_cast<unsigned char>(text[n])]) ++n;
  return n;
}

// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) (RFC 9112 §7.1.1)
bool valid_extensions(std::string_view text) {
  while (!text.empty()) {
    text = skip_blanks(text);
    if (!text.starts_with(';')) return false;
    text = skip_blanks(text.substr(1));
    const std::size_t name = token_length(text);
    if (name == 0) return false;
    text.remove_prefix(name);
    const std::string_view after = skip_blanks(text);
    if (!after.starts_with('=')) continue;
    text = skip_blanks(after.substr(1));
    const std::size_t value = std::max(token_length(text), quoted_string(text));
    if (value == 0) return false;
    text.remove_prefix(value);
  }
  return true;
}

} // namespace

LineReader::Got LineReader::take(std::string_view& in, std::size_t max, std::string_view& line) {
  if (done_) {
    buffer_.clear();
    done_ = false;
  }
  const std::size_t held = buffer_.size();
  std::size_t i = 0;
  const auto fail = [&](Got got) {
    position_ = held + i;
    return got;
  };
  if (!cr_seen_) {
    const std::size_t room = max - std::min(max, held);
    while (i < in.size() && kLineChars[static_cast<unsigned char>(in[i])]) {
      if (i >= room) return fail(Got::too_long);
      ++i;
    }
    if (i == in.size()) {
      buffer_.append(in);
      in = {};
      return Got::more;
    }
    if (in[i] == '\n') return fail(Got::bare_lf);
    if (in[i] != '\r') return fail(Got::control);
    if (i + 1 == in.size()) {
      buffer_.append(in.substr(0, i));
      cr_seen_ = true;
      in = {};
      return Got::more;
    }
    if (in[i + 1] != '\n') return fail(Got::bare_cr);
    if (held == 0) {
      line = in.substr(0, i);
    } else {
      buffer_.append(in.substr(0, i));
      line = buffer_;
    }
    in.remove_prefix(i + 2);
  } else {
    if (in.empty()) return Got::more;
    if (in[0] != '\n') return fail(Got::bare_cr);
    line = buffer_;
    in.remove_prefix(1);
    cr_seen_ = false;
  }
  done_ = true;
  return Got::line;
}

Refusal line_refusal(LineReader::Got got, std::size_t position, std::string_view field, Cause too_long) {
  using Got = LineReader::Got;
  switch (got) {
    case Got::too_long:
      return Refusal{.cause = too_long,
          .evidence = fmt::format("a line is longer than the {} bytes left for it", position),
          .field = std::string{field}};
    case Got::bare_cr: return bad_line(field, fmt::format("CR without LF at byte {} of a line", position));
    case Got::bare_lf: return bad_line(field, fmt::format("LF without CR at byte {} of a line", position));
    case Got::control:
    case Got::more:
    case Got::line: break;
  }
  return bad_line(field, fmt::format("a control character at byte {} of a line", position));
}

std::optional<Refusal> parse_field_line(std::string_view line, Headers& headers) {
  if (line.front() == ' ' || line.front() == '\t')
    return bad_line("headers", "a header line begins with white space (obsolete line folding)");
  std::size_t colon = 0;
  while (colon < line.size() && kTokenChars[static_cast<unsigned char>(line[colon])]) ++colon;
  if (colon == line.size()) return bad_line("headers", "a header line without a colon");
  if (line[colon] != ':') {
    const std::string name = printable(line.substr(0, colon), 64);
    if (line[colon] == ' ' || line[colon] == '\t')
      return bad_line(name.empty() ? "headers" : name, "white space between a header's name and its colon");
    return bad_line("headers",
        fmt::format("byte 0x{:02x} at position {} in a header's name", static_cast<unsigned char>(line[colon]), colon));
  }
  if (colon == 0) return bad_line("headers", "a header without a name");
  headers.add(std::string{line.substr(0, colon)}, std::string{trim_blanks(line.substr(colon + 1))});
  return std::nullopt;
}

std::optional<std::uint64_t> parse_content_length(std::string_view value) {
  if (value.empty() || !std::ranges::all_of(value, is_digit)) return std::nullopt;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t n = 0;
  for (const char c : value) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (n > (kMost - digit) / 10) return kMost;
    n = n * 10 + digit;
  }
  return n;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (iequals(trim_blanks(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return kTokenChars[static_cast<unsigned char>(c)]; });
}

TransferCoding read_transfer_coding(std::string_view joined) {
  bool others = false;
  for (;;) {
    const std::size_t comma = joined.find(',');
    const std::string_view element = trim_blanks(joined.substr(0, comma));
    if (element.empty()) return TransferCoding::faulty;
    const bool chunked = iequals(element, "chunked");
    if (comma == std::string_view::npos)
      return !chunked ? TransferCoding::faulty : others ? TransferCoding::unknown : TransferCoding::chunked;
    if (chunked) return TransferCoding::faulty;
    others = true;
    joined.remove_prefix(comma + 1);
  }
}

bool valid_host(std::string_view text) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!std::ranges::all_of(host, [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; })) return false;
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
    if (!std::ranges::all_of(
            host, [](char c) { return is_digit(c) || is_alpha(c) || c == '.' || c == '-' || c == '_'; }))
      return false;
  }
  if (host.empty() || host.size() > 255) return false;
  if (rest.empty()) return true;
  if (rest.front() != ':' || rest.size() > 6) return false;
  rest.remove_prefix(1);
  const auto port = parse_content_length(rest);
  return rest.empty() || (port && *port <= 65535);
}

std::optional<Refusal> ChunkedBody::read_size(std::string_view line, std::size_t body_so_far, std::size_t max_body) {
  std::size_t digits = 0;
  std::uint64_t size = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (size >> 59U) return Refusal{.cause = Cause::BODY_TOO_LARGE, .evidence = "a chunk size of more than 63 bits"};
    size = size * 16 + static_cast<std::uint64_t>(hex_value(line[digits]));
    ++digits;
  }
  if (digits == 0) return bad_line("body", "a chunk without a size");
  if (digits < line.size()) {
    if (!valid_extensions(line.substr(digits)))
      return bad_line("body", "a chunk size is followed by something that is not an extension");
    extras_ += line.size() - digits;
    if (extras_ > kMaxChunkExtras)
      return Refusal{.cause = Cause::HEADERS_TOO_LARGE, .evidence = "chunk extensions", .field = "body"};
  }
  if (size > max_body - std::min(max_body, body_so_far))
    return Refusal{
        .cause = Cause::BODY_TOO_LARGE, .evidence = fmt::format("chunks of more than {} bytes in all", max_body)};
  remaining_ = size;
  state_ = size == 0 ? State::trailer : State::data;
  return std::nullopt;
}

std::optional<Refusal> ChunkedBody::feed(std::string_view& in, std::string& body, std::size_t max_body) {
  using Got = LineReader::Got;
  while (!in.empty() && state_ != State::done) {
    started_ = true;
    std::string_view line;
    switch (state_) {
      case State::size: {
        const Got got = lines_.take(in, kMaxChunkSizeLine, line);
        if (got == Got::more) return std::nullopt;
        if (got != Got::line) return line_refusal(got, lines_.position(), "body", Cause::BAD_REQUEST);
        if (auto refusal = read_size(line, body.size(), max_body)) return refusal;
        break;
      }
      case State::data: {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, in.size()));
        body.append(in.substr(0, n));
        in.remove_prefix(n);
        remaining_ -= n;
        if (remaining_ == 0) state_ = State::data_end;
        break;
      }
      case State::data_end: {
        const Got got = lines_.take(in, 0, line);
        if (got == Got::more) return std::nullopt;
        if (got != Got::line) return bad_line("body", "a chunk is not followed by CRLF");
        state_ = State::size;
        break;
      }
      case State::trailer: {
        const Got got = lines_.take(in, kMaxChunkExtras - extras_, line);
        if (got == Got::more) return std::nullopt;
        if (got != Got::line) return line_refusal(got, lines_.position(), "trailer", Cause::HEADERS_TOO_LARGE);
        if (line.empty()) {
          state_ = State::done;
          break;
        }
        extras_ = std::min(kMaxChunkExtras, extras_ + line.size() + 2);
        Headers dropped;
        if (auto refusal = parse_field_line(line, dropped)) return refusal;
        break;
      }
      case State::done: break;
    }
  }
  return std::nullopt;
}

} // namespace foyer::wire
