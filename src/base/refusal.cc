#include "base/refusal.h"

#include <fmt/format.h>

namespace foyer {

Permissions parse_scope(std::string_view scope) {
  Permissions out;
  while (!scope.empty()) {
    const auto end = std::min(scope.find(' '), scope.size());
    const auto word = scope.substr(0, end);
    if (word == "chat:read") out.chat_read = true;
    if (word == "chat:write") out.chat_write = true;
    if (word == "admin") out.admin = true;
    scope.remove_prefix(std::min(end + 1, scope.size()));
  }
  return out;
}

std::string to_scope(const Permissions& permissions) {
  std::string out;
  const auto add = [&out](bool has, std::string_view word) {
    if (!has) return;
    if (!out.empty()) out += ' ';
    out += word;
  };
  add(permissions.chat_read, "chat:read");
  add(permissions.chat_write, "chat:write");
  add(permissions.admin, "admin");
  return out;
}

std::string Refusal::operator_text() const {
  std::string out{info().operator_text};
  if (!field.empty()) out += fmt::format(" Field: {}.", field);
  if (!detail.empty()) out += " " + detail;
  if (!evidence.empty()) out += fmt::format(" Seen: {}.", evidence);
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    out += fmt::format(" Attempt {}: {}", i + 1, attempts[i].code());
    if (!attempts[i].evidence.empty()) out += fmt::format(" ({})", attempts[i].evidence);
    out += '.';
  }
  return out;
}

} // namespace foyer
