#include "harness/person.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace foyer::harness {

void differ(std::string what) { throw std::runtime_error(std::move(what)); }

void sends_bytes(Person& p, std::string_view text) {
  const auto [times, unit] = read_times(text);
  std::string bytes;
  for (std::size_t i = 0; i < times; ++i) bytes += unit;
  for (const auto& [word, byte] : {std::pair{"\\r", "\r"}, std::pair{"\\n", "\n"}})
    for (std::size_t at = 0; (at = bytes.find(word, at)) != std::string::npos;) bytes.replace(at, 2, byte);
  p.peer->send_raw(bytes);
}

void says_in_pieces(Person& p, Words& words) {
  for (int i = 0; i < 3; ++i) words.take();
  const std::size_t piece = std::stoul(std::string(words.take()));
  p.peer->send_in_pieces(words.rest(), piece);
}

void says_last(Person& p, std::string_view text) {
  p.peer->send_text(text);
  p.peer->end_writing();
}

void send_pings(Person& p, const std::string& count) {
  for (std::size_t i = std::stoul(count); i > 0; --i) p.peer->send_ping();
}

void stop_reading(Person& p) {
  p.peer->stop_reading();
  p.peer->client().set_capacity(1024); // both socket buffers
}

void welcome(Person& p) {
  if (p.peer->answer && p.peer->answer->status != 101)
    differ(fmt::format("answered {}\n{}", p.peer->answer->status, p.peer->answer->body));
  if (p.peer->messages.empty() || !p.peer->messages.front().starts_with(R"({"type":"authentication_success")"))
    differ("was not admitted\n" + heard(p));
  p.welcome = std::move(p.peer->messages.front());
  p.peer->messages.pop_front();
}

void hears_binary(Person& p, std::string_view expected) {
  if (p.peer->binaries.empty() || p.peer->binaries.front() != expected)
    differ(fmt::format("no such binary message\n{}", heard(p)));
  p.peer->binaries.pop_front();
}

std::string heard(const Person& p) {
  std::string out;
  for (const std::string& bytes : p.peer->binaries) out += fmt::format("  heard binary {}\n", bytes.substr(0, 2000));
  for (const std::string& message : p.peer->messages) out += fmt::format("  heard {}\n", message.substr(0, 2000));
  if (p.peer->closed) out += fmt::format("  closed {} {}\n", p.peer->closed->code, p.peer->closed->reason);
  if (p.peer->answer && p.peer->answer->status != 101)
    out += fmt::format("  answered {} {}\n", p.peer->answer->status, p.peer->answer->body);
  return out.empty() ? "  heard nothing" : out;
}

void receives_nothing(const Person& p) {
  if (!p.peer->messages.empty() || !p.peer->binaries.empty() || p.peer->closed) differ("expected nothing\n" + heard(p));
}

void is_open(const Person& p) {
  if (p.peer->closed || p.peer->client().ended()) differ("expected an open connection\n" + heard(p));
}

void is_closed(const Person& p, Words& words) {
  const std::string code(words.take());
  const std::string_view reason = words.rest();
  if (!p.peer->closed) differ("is not closed\n" + heard(p));
  if (std::to_string(p.peer->closed->code) != code || !p.peer->closed->reason.starts_with(reason))
    differ(fmt::format("expected {} {}\n{}", code, reason, heard(p)));
}

void is_upgraded(const Person& p, Words& words) {
  if (!p.peer->upgraded()) differ("expected an upgrade\n" + heard(p));
  const std::string* selected = p.peer->answer->headers.find("Sec-WebSocket-Protocol");
  const std::string seen = selected != nullptr ? *selected : "";
  if (words.accept("with", "subprotocol") && seen != words.rest())
    differ(fmt::format("expected the subprotocol {}, seen {}", words.rest(), seen));
  if (words.accept("without", "subprotocol") && !seen.empty()) differ("expected no subprotocol, seen " + seen);
}

void has_header(const Response& answer, std::string_view wanted) {
  const std::size_t colon = wanted.find(':');
  const std::string_view name = trim(wanted.substr(0, colon));
  const std::string* value = answer.headers.find(name);
  if (value == nullptr) differ(fmt::format("no header {}", name));
  if (colon != std::string_view::npos && !value->starts_with(trim(wanted.substr(colon + 1))))
    differ(fmt::format("seen {}: {}", name, *value));
}

} // namespace foyer::harness
