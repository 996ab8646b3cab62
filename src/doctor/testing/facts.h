// Facts written by hand: a server that is well, of which a test spoils one thing.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "doctor/judge.h"

namespace foyer::doctor::testing {

inline Exchange answer(int status, Headers headers = {}, std::string body = {}) {
  Exchange out;
  out.asked = "GET /ws";
  out.path = "/ws";
  out.is_http = true;
  out.status = status;
  out.headers = std::move(headers);
  out.body = std::move(body);
  out.bytes = "HTTP/1.1 ";
  return out;
}

inline Exchange accepted(Headers more = {}) {
  Exchange out = answer(101, {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}});
  for (const auto& each : more.list()) out.headers.add(each.name, each.value);
  out.upgrade = true;
  out.accept_right = true;
  return out;
}

inline Exchange no_answer(Ending ending, std::string bytes = {}) {
  Exchange out;
  out.asked = "GET /ws";
  out.ending = ending;
  out.bytes = std::move(bytes);
  return out;
}

inline Talk good_talk() {
  Talk out;
  out.pong = Took{1'000};
  out.close = 1000;
  return out;
}

inline TlsFacts good_tls() {
  TlsFacts out;
  out.version = "TLSv1.3";
  out.leaf = Certificate{.subject = "chat.example",
      .issuer = "an authority",
      .names = {"chat.example"},
      .not_before = from_unix_seconds(1'700'000'000),
      .not_after = from_unix_seconds(1'800'000'000),
      .names_its_issuer = true,
      .fingerprint = "aa"};
  out.chain = 2;
  return out;
}

// wss://chat.example/ws, up to the plain requests.
inline Facts reached(std::string_view url = "wss://chat.example/ws") {
  Facts out;
  out.url = *wire::parse_url(url);
  out.name.addresses = {"192.0.2.7"};
  out.connects = {{.address = "192.0.2.7", .detail = {}}};
  out.address = "192.0.2.7";
  if (out.url.scheme == "wss") out.tls = good_tls();
  out.health = answer(200);
  out.plain = answer(404);
  out.now = from_unix_seconds(1'750'000'000);
  return out;
}

// Every handshake is accepted, and the socket works.
inline Facts well() {
  Facts out = reached();
  out.bare = accepted();
  out.origin = accepted();
  out.deflate = accepted();
  out.deflate->deflate_offered = true;
  out.echo = Upgraded{*out.deflate, good_talk()};
  out.second = accepted();
  return out;
}

// All handshakes are answered so.
inline Facts refused_with(const Exchange& exchange, std::string_view url = "wss://chat.example/ws") {
  Facts out = reached(url);
  out.bare = exchange;
  out.origin = exchange;
  return out;
}

// "CODE confidence"; "works" or "open" without one.
inline std::string verdict_on(const Facts& facts) {
  const Verdict verdict = judge(facts);
  if (verdict.diagnosis) return verdict.diagnosis->code + " " + std::string{name_of(verdict.diagnosis->confidence)};
  return verdict.kind == Verdict::Kind::works ? "works" : "open";
}

inline std::string found(Finding finding, Confidence confidence = Confidence::proved) {
  return std::string{info(finding).code} + " " + std::string{name_of(confidence)};
}

} // namespace foyer::doctor::testing
