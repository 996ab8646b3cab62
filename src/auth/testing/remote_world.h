// A RemoteAuthService in virtual time, with a server that knows a few tickets and cookies.
#pragma once

#include <algorithm>
#include <map>

#include "auth/remote_auth_service.h"
#include "auth/revocation_stream.h"
#include "auth/testing/client_world.h"
#include "base/json.h"
#include "base/log.h"

namespace foyer::auth::testing_world {

class KeptLog final : public Log {
 public:
  void write(Level level, std::string_view event, std::string_view message,
      std::initializer_list<Field> fields = {}) noexcept override {
    lines.push_back(format_line(LogFormat::json, "now", level, event, message, fields));
  }
  [[nodiscard]] bool enabled(Level) const noexcept override { return true; }
  [[nodiscard]] std::size_t count(std::string_view event) const {
    return static_cast<std::size_t>(std::ranges::count_if(lines, [event](const std::string& line) {
      return line.find("\"event\":\"" + std::string(event) + "\"") != std::string::npos;
    }));
  }
  std::vector<std::string> lines;
};

class RemoteWorld {
 public:
  explicit RemoteWorld(ClientPolicy policy = {}, std::uint64_t seed = 1) : entropy(seed) {
    service.emplace(around(), ServiceIdentity("gateway-1", kServiceSecret), policy, stream);
    server.serve = [this](const Request& request, VirtualServer::Reply reply) { answer(request, std::move(reply)); };
  }

  Context around() {
    return {
        .clock = clock, .entropy = entropy, .log = log, .metrics = metrics, .transport = server, .control = control};
  }

  void settle() { control.run_due(); }
  // Everything that is due by then happens at its time.
  void pass(Millis time) { foyer::pass(clock, control, time); }

  struct Answer {
    std::optional<Result<Identity>> said;
    MonoTime at{};
    [[nodiscard]] std::string code() const {
      return !said ? "nothing yet" : *said ? (*said)->user.str() : std::string((*said).error().code());
    }
    [[nodiscard]] const Refusal& refusal() const { return said->error(); }
  };
  std::shared_ptr<Answer> ask_ticket(std::string ticket, std::string attempt = {}) {
    auto out = std::make_shared<Answer>();
    if (attempt.empty()) attempt = entropy.short_id();
    service->redeem_ticket({.ticket = std::move(ticket),
                               .origin = "https://a.example",
                               .address = "10.0.0.1",
                               .attempt = std::move(attempt),
                               .ref = Ref{"the-ref"}},
        taker(out));
    return out;
  }
  std::shared_ptr<Answer> ask_cookie(std::string cookie, std::string address = "10.0.0.1") {
    auto out = std::make_shared<Answer>();
    service->check_cookie(
        {.cookie = std::move(cookie), .address = std::move(address), .ref = Ref{"the-ref"}}, taker(out));
    return out;
  }
  // Until the answer arrives.
  std::string ticket_says(std::string ticket) {
    auto out = ask_ticket(std::move(ticket));
    wait_for(*out);
    return out->code();
  }
  void wait_for(const Answer& answer) {
    for (int i = 0; i < 5'000 && !answer.said; ++i) pass(Millis{1});
  }
  // A row of the table of revocations; the stream must be watched first.
  void watch() {
    service->watch_revocations(
        [this](const std::vector<RevocationEvent>& received) { events_received += received.size(); }, [](WallTime) {});
    pass(Millis{10});
  }
  void revoke(RevocationEvent event) {
    events.push_back(std::move(event));
    for (auto& [after, reply] : std::exchange(polls, {})) reply(VirtualServer::json(200, events_after(after)));
  }
  [[nodiscard]] bool counted(std::string_view series) const {
    return metrics.text().find(std::string(series) + "\n") != std::string::npos;
  }

  ManualClock clock;
  FixedEntropy entropy;
  KeptLog log;
  Metrics metrics;
  ManualExecutor control{clock};
  VirtualServer server{clock, control};
  const ServiceIdentity stream_identity{"gateway-1", kServiceSecret};
  RevocationStream stream{around(), stream_identity};
  std::optional<RemoteAuthService> service;
  std::map<std::string, std::string> tickets; // → the attempt that used it; empty: unused
  std::map<std::string, std::string> cookies; // → user
  std::vector<RevocationEvent> events;
  std::vector<std::pair<std::int64_t, VirtualServer::Reply>> polls;
  std::size_t events_received = 0;

 private:
  Completion<Identity> taker(std::shared_ptr<Answer> out) {
    return [this, out](Result<Identity> said) {
      out->said = std::move(said);
      out->at = clock.mono();
    };
  }
  Identity identity(const std::string& user) {
    return {.user = UserId{user},
        .name = user,
        .session = SessionId{"s-" + user},
        .token = {},
        .permissions = {.chat_read = true},
        .issued_at = clock.wall(),
        .expires_at = clock.wall() + Millis{3'600'000},
        .own_account = true};
  }
  [[nodiscard]] json::Object events_after(std::int64_t after) const {
    RevocationAnswer answer{.stream = "s", .cursor = static_cast<std::int64_t>(events.size())};
    answer.events.assign(events.begin() + after, events.end());
    return encode(answer);
  }
  void poll(const RevocationRequest& question, VirtualServer::Reply reply) {
    if (question.wait > Millis{0} && question.after == static_cast<std::int64_t>(events.size()))
      return polls.emplace_back(question.after, std::move(reply)), void();
    reply(VirtualServer::json(200, events_after(question.after)));
  }
  void answer(const Request& request, VirtualServer::Reply reply) {
    const auto body = foyer::json::parse(request.body);
    if (request.path == kRevocationsPath) return poll(*decode_revocation_question(body->as_object()), std::move(reply));
    const auto question = decode_question(body->as_object(), Ref{*request.headers.find(kClientRefHeader)});
    if (!question) return reply(VirtualServer::problem(question.error()));
    if (const auto* ticket = std::get_if<TicketRequest>(&*question)) {
      const auto found = tickets.find(ticket->ticket);
      if (found == tickets.end())
        return reply(VirtualServer::json(200, encode(Result<Identity>(refuse(Cause::TICKET_UNKNOWN)))));
      if (!found->second.empty() && found->second != ticket->attempt)
        return reply(VirtualServer::json(200, encode(Result<Identity>(refuse(Cause::TICKET_USED)))));
      found->second = ticket->attempt;
      return reply(VirtualServer::json(200, encode(Result<Identity>(identity("alice")))));
    }
    const auto found = cookies.find(std::get<CookieRequest>(*question).cookie);
    if (found == cookies.end())
      return reply(VirtualServer::json(200, encode(Result<Identity>(refuse(Cause::SESSION_UNKNOWN)))));
    reply(VirtualServer::json(200, encode(Result<Identity>(identity(found->second)))));
  }
};

} // namespace foyer::auth::testing_world
