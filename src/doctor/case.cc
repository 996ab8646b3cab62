#include "doctor/case.h"

#include <ctime>

namespace foyer::doctor {
namespace {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::optional<WallTime> read_http_date(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return from_unix_seconds(timegm(&parts));
}

} // namespace

std::string_view name_of(RungId rung) {
  constexpr std::array<std::string_view, kRungs> kNames = {"dns", "tcp", "tls", "health", "plain", "upgrade", "origin",
      "token", "subprotocol", "deflate", "echo", "auth", "second", "big", "repeat", "hold", "direct"};
  return kNames.at(static_cast<std::size_t>(rung));
}

std::string_view name_of(Rung::Status status) {
  switch (status) {
    case Rung::Status::passed: return "passed";
    case Rung::Status::failed: return "failed";
    case Rung::Status::skipped: return "skipped";
    case Rung::Status::unasked: return "unasked";
    case Rung::Status::broken: return "broken";
  }
  return "";
}

std::vector<const Exchange*> Facts::handshakes() const {
  std::vector<const Exchange*> out;
  for (const auto* each : {&bare, &origin, &token, &subprotocol, &deflate})
    if (each->has_value()) out.push_back(&**each);
  return out;
}

const Exchange* Facts::accepted() const {
  const Exchange* out = nullptr;
  for (const Exchange* each : handshakes())
    if (each->upgraded()) out = each;
  return out;
}

const Exchange* Facts::last() const {
  const auto all = handshakes();
  return all.empty() ? nullptr : all.back();
}

const Rung* Facts::rung(RungId id) const {
  for (const auto& each : rungs)
    if (each.id == id) return &each;
  return nullptr;
}

bool Facts::token_at_foyer() const {
  return token_given && echo && echo->talk && echo->exchange.token_sent && echo->exchange.from_foyer();
}

const std::string* Facts::authenticated() const {
  if (!token_at_foyer()) return nullptr;
  for (const auto& message : echo->talk->messages)
    if (message.find("\"authentication_success\"") != std::string::npos) return &message;
  return nullptr;
}

std::optional<Millis> Facts::clock_difference() const {
  for (const auto* each : {&health, &plain}) {
    if (!each->has_value()) continue;
    const std::string* date = (*each)->headers.find("Date");
    if (date == nullptr) continue;
    if (const auto theirs = read_http_date(*date)) return *theirs - now;
  }
  return std::nullopt;
}

} // namespace foyer::doctor
