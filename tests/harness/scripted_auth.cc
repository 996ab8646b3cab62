#include "harness/scripted_auth.h"

#include <algorithm>
#include <cctype>

namespace foyer::harness {

void ScriptedAuth::revoke(auth::RevocationEvent event) {
  event.at = clock_.wall();
  events_.push_back(event);
  if (on_events_) on_events_({event});
  synchronise();
}

void ScriptedAuth::synchronise() {
  if (synchronised_ && mood_ == Mood::well) synchronised_(clock_.wall());
}

void ScriptedAuth::set_mood(Mood mood) {
  mood_ = mood;
  if (mood == Mood::silent) return;
  for (auto& [question, answer] : std::exchange(waiting_, {})) ask(std::move(question), std::move(answer));
  for (auto& [question, answer] : std::exchange(waiting_people_, {}))
    find_person(std::move(question), std::move(answer));
  synchronise();
}

void ScriptedAuth::ask(std::move_only_function<Result<Identity>()> question, Completion<Identity> answer) {
  switch (mood_) {
    case Mood::well: answer(question()); break;
    case Mood::away: answer(refuse(Cause::AUTH_SERVICE_CONNECTION_ERROR, "connection refused")); break;
    case Mood::silent: waiting_.emplace_back(std::move(question), std::move(answer)); break;
  }
}

void ScriptedAuth::redeem_ticket(auth::TicketRequest question, Completion<Identity> answer) {
  ask([this, question = std::move(question)] { return redeem(question); }, std::move(answer));
}

void ScriptedAuth::check_cookie(auth::CookieRequest question, Completion<Identity> answer) {
  ask([this, question = std::move(question)] { return look_up(question); }, std::move(answer));
}

void ScriptedAuth::find_person(auth::PersonRequest question, Completion<std::optional<auth::Person>> answer) {
  if (mood_ == Mood::away) return answer(refuse(Cause::AUTH_SERVICE_CONNECTION_ERROR, "connection refused"));
  if (mood_ == Mood::silent) return waiting_people_.emplace_back(std::move(question), std::move(answer)), void();
  std::string id = question.id.empty() ? question.name : question.id;
  if (question.id.empty())
    std::ranges::transform(id, id.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (id.starts_with("nobody")) return answer(std::nullopt);
  std::string name = id;
  name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
  answer(auth::Person{.id = UserId{std::move(id)}, .name = std::move(name)});
}

Result<Identity> ScriptedAuth::redeem(const auth::TicketRequest& question) {
  const auto found = tickets_.find(question.ticket);
  if (found == tickets_.end()) return refuse(Cause::TICKET_UNKNOWN, "no such ticket");
  Ticket& ticket = found->second;
  if (ticket.used && ticket.attempt == question.attempt) return ticket.identity;
  if (ticket.used) return refuse(Cause::TICKET_USED, "redeemed before");
  if (!ticket.origin.empty() && question.origin.value_or("") != ticket.origin)
    return refuse(Cause::TICKET_UNKNOWN, "bound to another origin");
  ticket.used = true;
  ticket.attempt = question.attempt;
  return ticket.identity;
}

Result<Identity> ScriptedAuth::look_up(const auth::CookieRequest& question) const {
  const auto found = cookies_.find(question.cookie);
  if (found == cookies_.end()) return refuse(Cause::SESSION_UNKNOWN, "no such session");
  return found->second;
}

void ScriptedAuth::watch_revocations(std::function<void(const std::vector<auth::RevocationEvent>&)> on_events,
    std::function<void(WallTime)> synchronised) {
  on_events_ = std::move(on_events);
  synchronised_ = std::move(synchronised);
  on_events_(events_);
  synchronise();
}

} // namespace foyer::harness
