// What probes saw, as plain values: no socket, no decision. prober.h makes them, judge.h reads them; a test of the
// judge writes them by hand.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http.h"

namespace foyer::doctor {

using Took = std::chrono::microseconds;

// How the peer's side of a connection was when the probe stopped.
enum class Ending : std::uint8_t {
  open,     // the probe got what it wanted
  finished, // FIN
  reset,    // RST
  silent,   // nothing more within the deadline
  no_link,  // there was no connection to ask on: TCP or TLS failed
  fault,    // the probe itself failed (`fault` says how): nothing is known about the peer
};

struct NameFacts {
  enum class Result : std::uint8_t { found, unknown, failed, fault } result = Result::found;
  std::vector<std::string> addresses = {}; // numeric, in the resolver's order
  std::string detail = {};                 // the resolver's words
  Took took{};
};

struct ConnectFacts {
  enum class Result : std::uint8_t { connected, refused, silent, unreachable, fault } result = Result::connected;
  std::string address = {}; // numeric
  bool v6 = false;
  std::string detail = {};
  Took took{};
};

struct Certificate {
  std::string subject = {}; // the common name, or the whole name where it has none
  std::string issuer = {};
  std::vector<std::string> names = {}; // of subjectAltName: DNS and IP
  WallTime not_before{};
  WallTime not_after{};
  bool names_its_issuer = false; // where the issuer's certificate can be fetched (AIA): public authorities say it
  std::string fingerprint = {};  // SHA-256, hexadecimal
};

struct TlsFacts {
  enum class Result : std::uint8_t { done, alert, not_tls, finished, reset, silent, fault } result = Result::done;
  int alert = 0;                // RFC 8446 §6: sent by the peer, also right after the handshake
  std::string first_bytes = {}; // of the peer
  std::string version = {};
  std::string cipher = {};
  bool client_certificate_wanted = false;
  std::vector<int> verify_errors = {}; // X509_V_ERR_*, each once, in the order they were found
  std::optional<Certificate> leaf = {};
  std::size_t chain = 0;   // certificates that were sent
  std::string detail = {}; // OpenSSL's words
  Took took{};
};

// One HTTP request and what came back.
struct Exchange {
  std::string asked = {}; // for people: "GET /ws/chat with Upgrade, Origin https://a.example"; no token, no query
  std::string path = {};  // without query
  std::string origin = {};
  bool upgrade = false;
  bool token_sent = false;
  std::size_t sent_bytes = 0;
  std::vector<std::string> subprotocols = {}; // that were offered
  bool deflate_offered = false;

  Ending ending = Ending::open;
  std::string fault = {};
  int alert = 0;          // of TLS, when the peer sent one in place of an answer
  std::string bytes = {}; // the first of the answer, as they came
  bool is_http = false;
  int version_minor = 1;
  int status = 0;
  std::string reason = {};
  Headers headers = {};
  std::string body = {};     // the beginning of it
  bool accept_right = false; // Sec-WebSocket-Accept belongs to the key that was sent
  Took first_byte{};
  Took took{};

  // A 101 that a client believes, apart from subprotocol and extensions.
  [[nodiscard]] bool upgraded() const;
  [[nodiscard]] bool from_foyer() const { return headers.find("X-Foyer") != nullptr; }
};

// What was said on an open WebSocket.
struct Talk {
  std::optional<Took> pong = {};           // after the ping
  bool pong_after_close = false;           // it came only when we had closed
  std::optional<std::uint16_t> close = {}; // of the peer's Close; 1005: it had no code
  std::string close_reason = {};
  bool close_before_ours = false;         // the peer closed first
  std::string first_bytes = {};           // of what followed the 101
  std::vector<std::string> messages = {}; // the beginning of each text message, at most a few
  std::string broken = {};                // which rule of RFC 6455 or 7692 the peer broke; empty: none
  std::uint16_t broken_code = 0;          // 1002, 1007 or 1009
  Ending ending = Ending::open;
  std::string fault = {};
  Took took{};
};

struct Upgraded {
  Exchange exchange;
  std::optional<Talk> talk = {}; // when it was a 101
};

} // namespace foyer::doctor
