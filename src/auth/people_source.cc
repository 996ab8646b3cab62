#include "auth/people_source.h"

#include <utility>

#include "auth/answer.h"
#include "auth/contract/messages.h"

namespace foyer::auth {
namespace {

constexpr std::string_view kPeopleRequest = "POST /internal/people";

std::string key_of(const PersonRequest& question) {
  return question.id.empty() ? "name " + question.name : "id " + question.id;
}

Result<std::optional<Person>> read(
    const client::HttpResult& result, const ServiceIdentity& identity, std::string_view nonce, std::string_view asked) {
  auto object = read_answer(result, kPeopleRequest);
  if (!object) return std::unexpected(std::move(object.error().refusal));
  TRY(people, decode_people_answer(*object));
  if (auto fault = distrust_answer(*result, identity, nonce, kPeopleRequest))
    return std::unexpected(std::move(fault->refusal));
  for (auto& found : people)
    if (found.asked == asked) return std::move(found.person);
  return std::nullopt;
}

} // namespace

PeopleSource::PeopleSource(Context around, ServiceIdentity identity, PeoplePolicy policy)
    : around_(around),
      identity_(std::move(identity)),
      policy_(policy),
      answers_meter_(around.metrics, "people_answers", policy.answers),
      questions_meter_(around.metrics, "people_questions", policy.questions) {}

void PeopleSource::find(PersonRequest question, Completion<std::optional<Person>> answer) {
  std::string key = key_of(question);
  if (const auto kept = index_.find(key); kept != index_.end()) {
    if (around_.clock.mono() < kept->second->until) return answer(kept->second->person);
    erase(kept->second);
  }
  if (under_way_ >= policy_.questions) {
    questions_meter_.refused();
    return answer(std::unexpected(Refusal{
        .cause = Cause::BUSY, .evidence = "too many people are being looked up", .retry_after = Millis{1'000}}));
  }
  questions_meter_.used(++under_way_);
  const std::string asked = question.id.empty() ? question.name : question.id;
  Call call{.target = std::string(kPeoplePath),
      .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
      .body = json::write(encode(std::vector<PersonRequest>{std::move(question)})),
      .connect_timeout = policy_.connect_timeout,
      .timeout = policy_.timeout};
  std::string nonce =
      identity_.sign(call.headers, call.method, call.target, call.body, {}, around_.clock.wall(), around_.entropy);
  around_.transport.send(std::move(call),
      [weak = weak_from_this(), nonce = std::move(nonce), key = std::move(key), asked, generation = generation_,
          answer = std::move(answer)](client::HttpResult result) mutable {
    const auto self = weak.lock();
    if (!self) return;
    self->questions_meter_.used(--self->under_way_);
    auto person = read(result, self->identity_, nonce, asked);
    if (person && generation == self->generation_) self->keep(std::move(key), *person);
    if (!person)
      self->around_.log.warning("people_question_failed", "A person could not be looked up.",
          {{"code", person.error().code()}, {"evidence", person.error().evidence}});
    answer(std::move(person));
  });
}

void PeopleSource::keep(std::string key, std::optional<Person> person) {
  if (const auto kept = index_.find(key); kept != index_.end()) erase(kept->second);
  if (answers_.size() >= policy_.answers) erase(answers_.begin());
  const MonoTime until = around_.clock.mono() + (person ? policy_.positive : policy_.negative);
  answers_.push_back({.key = std::move(key), .person = std::move(person), .until = until});
  index_.emplace(answers_.back().key, std::prev(answers_.end()));
  answers_meter_.used(answers_.size());
}

void PeopleSource::erase(std::list<Entry>::iterator entry) {
  index_.erase(entry->key);
  answers_.erase(entry);
  answers_meter_.used(answers_.size());
}

void PeopleSource::apply(const std::vector<RevocationEvent>& events) {
  for (const auto& event : events) {
    if (event.kind != RevocationEvent::Kind::user || event.reason != RevocationEvent::Reason::deleted) continue;
    ++generation_;
    for (auto it = answers_.begin(); it != answers_.end();) {
      const auto entry = it++;
      if (entry->person && entry->person->id.view() == event.id) erase(entry);
    }
  }
}

} // namespace foyer::auth
