#include "base/http.h"

#include <algorithm>

#include "base/bytes.h"

namespace foyer {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

} // namespace

std::string shown_path(std::string_view path) {
  constexpr std::size_t kLongestWord = 39; // tickets, cookies and the parts of tokens have 43 characters and more
  const auto of_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = static_cast<std::size_t>(
        std::find_if_not(path.begin() + static_cast<std::ptrdiff_t>(at), path.end(), of_word) - path.begin());
    out += end - at > kLongestWord ? std::string_view("…") : path.substr(at, end - at);
    at = end;
    if (at == path.size()) break;
    out += path[at];
    if (path[at++] == '=' && at < path.size()) {
      out += "…";
      break;
    }
  }
  return printable(out);
}

bool iequals(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(list_, [name](const Header& h) { return iequals(h.name, name); });
  list_.push_back({std::string(name), std::move(value)});
}

const std::string* Headers::find(std::string_view name) const {
  for (const auto& h : list_)
    if (iequals(h.name, name)) return &h.value;
  return nullptr;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(list_, [name](const Header& h) { return iequals(h.name, name); }));
}

std::string Headers::joined(std::string_view name) const {
  std::string out;
  bool first = true;
  for (const auto& h : list_) {
    if (!iequals(h.name, name)) continue;
    if (!first) out += ", ";
    out += h.value;
    first = false;
  }
  return out;
}

std::optional<std::string> Request::query_arg(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    const auto key = percent_decode(pair.substr(0, equals));
    if (!key || *key != name) continue;
    return percent_decode(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

Response json_response(int status, std::string body) {
  return {status, Headers{{"Content-Type", "application/json"}}, std::move(body)};
}

} // namespace foyer
