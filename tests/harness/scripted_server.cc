#include "harness/scripted_server.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "auth/contract/messages.h"

namespace foyer::harness {
namespace {

using auth::testing_world::VirtualServer;
using auth::testing_world::Weather;

std::optional<Weather> weather_named(std::string_view name) {
  if (name == "is well") return Weather::fine;
  if (name == "is slow") return Weather::slow;
  if (name == "is away") return Weather::refused;
  if (name == "is silent") return Weather::hang_waiting;
  for (const auto& row : auth::testing_world::all_weathers())
    if (row.name == name) return row.weather;
  return std::nullopt;
}

} // namespace

ScriptedServer::ScriptedServer(ManualClock& clock, ScriptedAuth& auth, auth::ChallengeAnswer facts)
    : executor_(clock),
      server_(clock, executor_),
      clock_(clock),
      auth_(auth),
      facts_(std::move(facts)) {
  server_.round_trip = Millis{0};
  server_.next_for = auth::kVerifyPath;
  server_.serve = [this](const Request& request, Reply reply) { serve(request, std::move(reply)); };
  auth_.watch_revocations([this](const std::vector<auth::RevocationEvent>& events) {
    events_.insert(events_.end(), events.begin(), events.end());
    answer_polls();
  }, [](WallTime) {});
}

bool ScriptedServer::set_weather(std::string_view words) {
  std::size_t times = 0;
  if (words.ends_with(" times")) {
    std::string_view rest = words.substr(0, words.size() - 6);
    const std::size_t blank = rest.rfind(' ');
    const std::string_view number = rest.substr(blank + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), times);
    if (blank == std::string_view::npos || error != std::errc{} || end != number.data() + number.size()) return false;
    words = rest.substr(0, blank);
  }
  const auto weather = weather_named(words);
  if (!weather) return false;
  if (times > 0) {
    server_.next.assign(times, *weather);
    return true;
  }
  server_.always = *weather;
  server_.next.clear();
  if (*weather == Weather::refused) connections_end(); // its process is gone
  if (*weather == Weather::fine) answer_polls();
  return true;
}

void ScriptedServer::serve(const Request& request, Reply reply) {
  const auto body = json::parse(request.body);
  if (!body || !body->is_object()) return reply(VirtualServer::problem({.cause = Cause::BAD_REQUEST}));
  if (request.path == auth::kVerifyPath) return verify(body->as_object(), request, std::move(reply));
  if (request.path == auth::kPeoplePath) return people(body->as_object(), std::move(reply));
  if (request.path == auth::kRevocationsPath) return poll(body->as_object(), std::move(reply));
  if (request.path == auth::kChallengePath) return challenge(body->as_object(), std::move(reply));
  reply(VirtualServer::problem({.cause = Cause::UNKNOWN_PATH}));
}

void ScriptedServer::challenge(const json::Object& body, Reply reply) const {
  const auto question = auth::decode_challenge(body);
  if (!question) return reply(VirtualServer::problem(question.error()));
  auth::ChallengeAnswer answer = facts_;
  answer.time = clock_.wall();
  answer.proof = auth::challenge_proof(auth::service_key(auth::testing_world::kServiceSecret), question->nonce);
  reply(VirtualServer::json(200, auth::encode(answer)));
}

void ScriptedServer::verify(const json::Object& body, const Request& request, Reply reply) {
  const std::string* ref = request.headers.find(auth::kClientRefHeader);
  auto question = auth::decode_question(body, Ref{ref == nullptr ? "" : *ref});
  if (!question) return reply(VirtualServer::problem(question.error()));
  auto answer = [reply = std::move(reply)](
                    Result<Identity> said) mutable { reply(VirtualServer::json(200, auth::encode(said))); };
  if (auto* ticket = std::get_if<auth::TicketRequest>(&*question))
    return auth_.redeem_ticket(std::move(*ticket), std::move(answer));
  auth_.check_cookie(std::move(std::get<auth::CookieRequest>(*question)), std::move(answer));
}

void ScriptedServer::people(const json::Object& body, Reply reply) {
  auto questions = auth::decode_people_question(body);
  if (!questions || questions->size() != 1) return reply(VirtualServer::problem({.cause = Cause::BAD_REQUEST}));
  const auth::PersonRequest question = questions->front();
  auth_.find_person(question, [question, reply = std::move(reply)](Result<std::optional<auth::Person>> said) mutable {
    if (!said) return reply(VirtualServer::problem(said.error()));
    std::vector<auth::FoundPerson> found;
    if (*said)
      found.push_back({.asked = question.id.empty() ? question.name : question.id, .person = std::move(**said)});
    reply(VirtualServer::json(200, auth::encode(found)));
  });
}

void ScriptedServer::poll(const json::Object& body, Reply reply) {
  const auto question = auth::decode_revocation_question(body);
  if (!question) return reply(VirtualServer::problem(question.error()));
  const bool news = question->after < static_cast<std::int64_t>(events_.size());
  if (news || question->wait == Millis{0}) return reply(VirtualServer::json(200, events_after(question->after)));
  polls_.push_back({.after = question->after, .reply = std::move(reply)});
  polls_.back().timer = executor_.after(question->wait, [this] { answer_polls(); });
}

json::Object ScriptedServer::events_after(std::int64_t cursor) const {
  auth::RevocationAnswer answer{.stream = "the-scripted-one", .cursor = static_cast<std::int64_t>(events_.size())};
  answer.events.assign(events_.begin() + std::min(cursor, answer.cursor), events_.end());
  return auth::encode(answer);
}

// All that wait; whose time was not yet over has nothing against an early answer.
void ScriptedServer::answer_polls() {
  if (server_.always != Weather::fine && server_.always != Weather::slow) return;
  for (Poll& poll : std::exchange(polls_, {})) {
    executor_.cancel(poll.timer);
    poll.reply(VirtualServer::json(200, events_after(poll.after)));
  }
}

void ScriptedServer::connections_end() {
  for (Poll& poll : std::exchange(polls_, {})) {
    executor_.cancel(poll.timer);
    poll.reply(std::unexpected(client::NetError{.kind = client::NetError::Kind::closed,
        .what = "Connection reset by peer",
        .phase = client::NetError::Phase::waiting}));
  }
}

} // namespace foyer::harness
