#include "store/postgres_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::store {
namespace {

constexpr std::string_view kMark = "\xF4\x8F\xBF\xBF"; // U+10FFFF

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The end of a quoted text or comment that begins at `at`; `at` itself if neither does.
std::size_t end_of_literal(std::string_view sql, std::size_t at) {
  const auto until = [&](std::string_view end, std::size_t from) {
    const auto found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  if (sql[at] == '\'' || sql[at] == '"')
    return until(sql.substr(at, 1), at + 1); // a doubled quote starts the next literal at once
  if (sql.substr(at, 2) == "--") return until("\n", at);
  if (sql.substr(at, 2) == "/*") return until("*/", at + 2);
  return at;
}

} // namespace

std::string with_dollars(std::string_view sql) {
  std::string out;
  out.reserve(sql.size() + 16);
  int next = 1;
  for (std::size_t at = 0; at < sql.size();) {
    if (const auto end = end_of_literal(sql, at); end != at) {
      out += sql.substr(at, end - at);
      at = end;
    } else if (sql[at] != '?') {
      out += sql[at++];
    } else {
      const auto from = ++at;
      while (at < sql.size() && is_digit(sql[at])) ++at;
      if (at == from)
        out += fmt::format("${}", next++);
      else
        out += fmt::format("${}", sql.substr(from, at - from));
    }
  }
  return out;
}

bool needs_escape(std::string_view text) { return text.find('\0') != std::string_view::npos || needs_unescape(text); }
bool needs_unescape(std::string_view text) { return text.find(kMark) != std::string_view::npos; }

std::string escape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\0') {
      out.append(kMark).push_back('0');
      ++at;
    } else if (text.substr(at, kMark.size()) == kMark) {
      out.append(kMark).push_back('1');
      at += kMark.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto next = at + kMark.size();
    if (text.substr(at, kMark.size()) != kMark || next >= text.size()) {
      out += text[at++];
      continue;
    }
    if (text[next] == '0')
      out.push_back('\0');
    else
      out += kMark;
    at = next + 1;
  }
  return out;
}

Cause cause_of_sqlstate(std::string_view state) {
  if (state.empty() || state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P03" ||
      state == "57P05" || state == "25P03" || state == "53300")
    return Cause::DATABASE_UNREACHABLE;
  if (state == "57014" || state == "55P03") return Cause::STORE_TIMEOUT;
  // A prepared statement that is not there, or is there already: it belongs to another session.
  if (state == "26000" || state == "42P05") return Cause::POOLER_UNSUITABLE;
  if (is_lost_race(state)) return Cause::STORE_LOCKED;
  if (state == "53100") return Cause::STORE_FULL;
  if (state == "25006" || state == "42501") return Cause::STORE_READ_ONLY; // a standby; no right to write
  return Cause::STORE_FAILED;
}

bool is_lost_race(std::string_view state) { return state == "40001" || state == "40P01"; }
bool quotes_a_value(std::string_view state) { return state.starts_with("22"); }

} // namespace foyer::store
