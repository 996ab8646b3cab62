#include "doctor/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/bytes.h"
#include "doctor/stream.h"

namespace foyer::doctor {
namespace {

constexpr std::size_t kShownBytes = 80;

std::string day_of(WallTime time) { return rfc3339(time).substr(0, 10); }

// A redirect's address without its query, which may hold a token.
std::string without_query(const std::string& location) {
  return printable(location.substr(0, location.find('?')), 160);
}

std::string_view word_of(ConnectFacts::Result result) {
  switch (result) {
    case ConnectFacts::Result::connected: return "accepts";
    case ConnectFacts::Result::refused: return "refuses";
    case ConnectFacts::Result::silent: return "does not answer";
    case ConnectFacts::Result::unreachable: return "cannot be reached";
    case ConnectFacts::Result::fault: return "could not be tried";
  }
  return "";
}

} // namespace

std::string duration(Took took) {
  const auto micros = took.count();
  if (micros < 1'000) return fmt::format("{:.1f} ms", static_cast<double>(micros) / 1e3);
  if (micros < 1'000'000) return fmt::format("{} ms", micros / 1'000);
  return fmt::format("{:.1f} s", static_cast<double>(micros) / 1e6);
}

std::string address_and_port(const std::string& address, std::uint16_t port) {
  return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                : fmt::format("[{}]:{}", address, port);
}

std::string first_bytes(const std::string& bytes) {
  const std::string_view start = std::string_view(bytes).substr(0, kShownBytes);
  const auto is_text = [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t'; };
  if (std::ranges::all_of(start, is_text)) return printable(start.substr(0, start.find('\n')), kShownBytes);
  return "hex " + hex_encode(start.substr(0, 16));
}

std::string verify_words(int error) { return X509_verify_cert_error_string(error); }

std::string describe(Ending ending) {
  switch (ending) {
    case Ending::open: return "the connection stays open";
    case Ending::finished: return "the peer ended the connection (FIN)";
    case Ending::reset: return "the peer reset the connection (RST)";
    case Ending::silent: return "no answer in time";
    case Ending::no_link: return "no connection";
    case Ending::fault: return "the probe failed";
  }
  return "";
}

std::string describe(const NameFacts& facts) {
  if (facts.result == NameFacts::Result::found) return fmt::format("{}", fmt::join(facts.addresses, ", "));
  return "resolver: " + facts.detail;
}

std::string describe(const std::vector<ConnectFacts>& facts, std::uint16_t port) {
  std::vector<std::string> out;
  for (const auto& each : facts)
    out.push_back(fmt::format("{} {}{}", address_and_port(each.address, port), word_of(each.result),
        each.detail.empty() ? "" : " (" + each.detail + ")"));
  return fmt::format("{}", fmt::join(out, "; "));
}

std::string describe(const TlsFacts& facts) {
  using Result = TlsFacts::Result;
  if (facts.result != Result::done) {
    if (facts.alert != 0) return fmt::format("alert {} {}", facts.alert, alert_name(facts.alert));
    if (facts.result == Result::not_tls) return "not TLS: " + first_bytes(facts.first_bytes);
    if (facts.result == Result::finished) return describe(Ending::finished);
    if (facts.result == Result::reset) return describe(Ending::reset);
    if (facts.result == Result::silent) return describe(Ending::silent);
    return facts.detail.empty() ? "the handshake failed" : facts.detail;
  }
  std::string out = facts.version;
  if (!facts.leaf) return out;
  out += fmt::format(", certificate of {} for {}, valid to {}", facts.leaf->issuer,
      facts.leaf->names.empty() ? facts.leaf->subject : fmt::format("{}", fmt::join(facts.leaf->names, ", ")),
      day_of(facts.leaf->not_after));
  for (const int error : facts.verify_errors) out += "; " + verify_words(error);
  return out;
}

std::string describe(const Exchange& exchange) {
  if (!exchange.is_http) {
    if (!exchange.bytes.empty()) return "not HTTP: " + first_bytes(exchange.bytes);
    if (exchange.alert != 0) return fmt::format("TLS alert {} {}", exchange.alert, alert_name(exchange.alert));
    std::string out = describe(exchange.ending);
    if (!exchange.fault.empty() && exchange.ending != Ending::silent) out += ": " + exchange.fault;
    return out;
  }
  std::string out =
      fmt::format("{}{}", exchange.status, exchange.reason.empty() ? "" : " " + printable(exchange.reason, 64));
  if (exchange.version_minor == 0) out += " (HTTP/1.0)";
  for (const auto* name : {"Server", "Via", "X-Foyer", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
           "WWW-Authenticate", "Retry-After", "Age", "X-Cache"})
    if (const std::string* value = exchange.headers.find(name); value != nullptr)
      out += fmt::format(", {}: {}", name, printable(*value, 96));
  if (const std::string* location = exchange.headers.find("Location"); location != nullptr)
    out += ", Location: " + without_query(*location);
  return out;
}

std::string describe(const Talk& talk) {
  std::string out;
  const auto add = [&out](std::string text) { out += (out.empty() ? "" : ", ") + std::move(text); };
  if (talk.pong)
    add(fmt::format("pong{} after {}", talk.pong_after_close ? " (only after our Close)" : "", duration(*talk.pong)));
  else if (!talk.close_before_ours)
    add("no pong");
  if (!talk.broken.empty()) add("broken: " + talk.broken);
  if (talk.close)
    add(fmt::format("{} {}{}", talk.close_before_ours ? "closed by the server with" : "Close answered with",
        *talk.close, talk.close_reason.empty() ? "" : " \"" + printable(talk.close_reason, 125) + "\""));
  else if (talk.ending != Ending::open)
    add(talk.ending == Ending::silent ? "no answer to Close" : describe(talk.ending));
  return out;
}

} // namespace foyer::doctor
