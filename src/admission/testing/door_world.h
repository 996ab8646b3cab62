// For the tests of the door: a policy, requests, and a driver that answers every
// question favourably by default.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admission/door.h"

namespace foyer::admission::testing {

inline DoorPolicy policy() {
  return {
      .sockets = {{.path = "/ws/chat", .subprotocols = {"foyer.v1"}},
          {.path = "/ws/echo", .subprotocols = {"foyer.v1"}, .needs_chat_permission = false, .first_message = false},
          {.path = "/ws/open", .subprotocols = {"foyer.v1"}, .needs_token = false, .needs_chat_permission = false},
          {.path = "/ws/asked", .subprotocols = {"foyer.v1"}, .asks_application = true}},
      .allowed_origins = {"https://chat.example", "http://localhost:8000"},
      .allowed_hosts = {"chat.example"},
      .public_ws_base = "wss://chat.example",
  };
}

// A handshake without a fault and without a credential.
inline Request handshake() {
  Request request;
  request.method = "GET";
  request.path = "/ws/chat";
  request.headers = {{"Host", "chat.example"}, {"Upgrade", "websocket"}, {"Connection", "keep-alive, Upgrade"},
      {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Version", "13"}};
  request.ref = Ref{"ref-1"};
  return request;
}
inline Request with(Request request, std::string name, std::string value) {
  request.headers.set(name, std::move(value));
  return request;
}
inline Request without(Request request, std::string_view name) {
  std::erase_if(request.headers.list(), [&](const Header& h) { return iequals(h.name, name); });
  return request;
}
inline Request also(Request request, std::string name, std::string value) {
  request.headers.add(std::move(name), std::move(value));
  return request;
}
inline Request query(Request request, std::string text) {
  request.query = std::move(text);
  return request;
}
inline Request at(std::string path, Request request) {
  request.path = std::move(path);
  return request;
}
inline Request browser(Request request) { return with(std::move(request), "Origin", "https://chat.example"); }
inline Request bearer() { return with(handshake(), "Authorization", "Bearer a.b.c"); }

inline Identity alice() {
  Identity identity;
  identity.user = UserId{"alice"};
  identity.permissions = {.chat_read = true, .chat_write = true};
  return identity;
}

// A clock that advances by one microsecond at each reading.
class TickingClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime{}; }
  MonoTime mono() const override { return now_ += std::chrono::microseconds{1}; }

 private:
  mutable MonoTime now_{};
};

// The answer to each question; favourable by default.
struct Answers {
  std::optional<Refusal> readiness = {};
  Result<Identity> token = alice();
  Result<Identity> ticket = alice();
  std::optional<Refusal> revocation = {};
  Result<Consent> application = Consent{};
  std::optional<Refusal> capacity = {};
  enum class First { token, ticket, both, neither, other, timeout } first = First::token;
};

// The questions in order, then the code, or "admitted" with the user.
struct Story {
  std::vector<std::string> asked;
  std::string outcome;
};

inline Story drive(Door& door, const Answers& answers = {}) {
  const TickingClock clock;
  Story story;
  for (int turn = 0; turn < 20; ++turn) {
    const Next next = door.next(clock);
    if (const auto* verdict = std::get_if<Verdict>(&next)) {
      story.outcome = verdict->outcome ? "admitted " + verdict->outcome->identity.user.str()
                                       : std::string{verdict->outcome.error().code()};
      return story;
    }
    if (std::holds_alternative<AskReadiness>(next)) {
      story.asked.emplace_back("readiness");
      door.readiness(answers.readiness);
    } else if (const auto* token = std::get_if<AskToken>(&next)) {
      story.asked.push_back("token " + token->token);
      door.token(answers.token);
    } else if (const auto* ticket = std::get_if<AskTicket>(&next)) {
      story.asked.push_back("ticket " + ticket->ticket + (ticket->origin ? " from " + *ticket->origin : ""));
      door.identity(answers.ticket);
    } else if (const auto* cookie = std::get_if<AskCookie>(&next)) {
      story.asked.push_back("cookie " + cookie->cookie);
      door.identity(answers.ticket);
    } else if (std::holds_alternative<AskRevocation>(next)) {
      story.asked.emplace_back("revocation");
      door.revocation(answers.revocation);
    } else if (const auto* application = std::get_if<AskApplication>(&next)) {
      story.asked.push_back("application about " + application->identity->user.str());
      door.application(answers.application, clock.wall());
    } else if (std::holds_alternative<AskCapacity>(next)) {
      story.asked.emplace_back("capacity");
      door.capacity(answers.capacity);
    } else {
      story.asked.emplace_back("first message");
      switch (answers.first) {
        case Answers::First::token: door.first_message("d.e.f", {}); break;
        case Answers::First::ticket: door.first_message({}, "t1"); break;
        case Answers::First::both: door.first_message("d.e.f", "t1"); break;
        case Answers::First::neither: door.first_message({}, {}); break;
        case Answers::First::other: door.first_message_other("it was a join"); break;
        case Answers::First::timeout: door.first_message_timeout(); break;
      }
    }
  }
  story.outcome = "no end";
  return story;
}

inline Story drive(
    const Request& request, const Answers& answers = {}, const DoorPolicy& the_policy = policy(), bool secure = false) {
  Door door{the_policy, {.request = &request, .secure = secure}};
  return drive(door, answers);
}
inline std::string outcome(
    const Request& request, const Answers& answers = {}, const DoorPolicy& the_policy = policy(), bool secure = false) {
  return drive(request, answers, the_policy, secure).outcome;
}

} // namespace foyer::admission::testing
