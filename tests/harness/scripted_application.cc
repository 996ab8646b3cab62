#include "harness/scripted_application.h"

#include <algorithm>
#include <stdexcept>

namespace foyer::harness {
namespace {

using asking::Event;

std::optional<std::string> text_in(const json::Object& from, std::string_view name) {
  const auto value = json::get_string(from, name);
  return value ? std::optional(std::string(*value)) : std::nullopt;
}
std::vector<std::string> texts_in(const json::Object& from, std::string_view name) {
  std::vector<std::string> out;
  if (const json::Value* list = from.if_contains(name))
    for (const json::Value& each : list->as_array()) out.emplace_back(std::string_view(each.as_string()));
  return out;
}
std::optional<WallTime> end_in(const json::Object& from, WallTime now) {
  const auto seconds = json::get_int(from, "expires_in");
  if (!seconds) return std::nullopt;
  return *seconds == 0 ? WallTime{} : now + std::chrono::seconds{*seconds};
}
std::optional<std::string> meta_in(const json::Object& from) {
  const json::Value* meta = from.if_contains("meta");
  return meta == nullptr ? std::nullopt : std::optional(json::write(*meta));
}

void read(asking::ConnectAnswer& out, const json::Object& from, WallTime now) {
  out.expires_at = end_in(from, now);
  out.name = text_in(from, "name");
  out.scope = text_in(from, "scope");
  if (from.contains("rooms")) out.rooms = texts_in(from, "rooms");
  for (const std::string& room : texts_in(from, "join")) out.join.emplace_back(room);
  out.meta = meta_in(from);
}
void read(asking::RefreshAnswer& out, const json::Object& from, WallTime now) {
  const json::Value* expired = from.if_contains("expired");
  out.expired = expired != nullptr && expired->as_bool();
  out.expires_at = end_in(from, now);
  out.name = text_in(from, "name");
  out.meta = meta_in(from);
}
void read(asking::SubscribeAnswer& out, const json::Object& from, WallTime now) { out.expires_at = end_in(from, now); }
void read(asking::PublishAnswer& out, const json::Object& from, WallTime) {
  if (const json::Value* data = from.if_contains("data"))
    out.data = data->is_string() ? std::string(data->get_string()) : json::write(*data); // of a chat: its text
}

} // namespace

// What a process has of it. Questions that wait when the process ends are never answered.
class ScriptedApplication::Asked final : public asking::Application {
 public:
  Asked(ScriptedApplication& application, Executor& control) : application_(application), control_(control) {}
  ~Asked() override { application_.waiting_.clear(); }

  [[nodiscard]] bool asks(Event event, std::string_view) const override {
    return std::ranges::find(application_.events_, to_string(event)) != application_.events_.end();
  }
  [[nodiscard]] asking::KeptPtr keep(const Headers& handshake) const override {
    asking::Kept kept;
    if (const std::string* device = handshake.find("X-Device")) kept.headers.add("X-Device", *device);
    return std::make_shared<const asking::Kept>(std::move(kept));
  }
  void connect(asking::ConnectQuestion question, Completion<asking::ConnectAnswer> answer) override {
    application_.ask(control_, Event::connect, question.client, std::move(answer));
  }
  void refresh(asking::RefreshQuestion question, Completion<asking::RefreshAnswer> answer) override {
    application_.ask(control_, Event::refresh, question.client, std::move(answer));
  }
  void subscribe(asking::SubscribeQuestion question, Completion<asking::SubscribeAnswer> answer) override {
    application_.ask(control_, Event::subscribe, question.client, std::move(answer), {{"room", question.room.view()}});
  }
  void publish(asking::PublishQuestion question, Completion<asking::PublishAnswer> answer) override {
    application_.ask(control_, Event::publish, question.client, std::move(answer),
        {{"room", question.room.view()}, {"data", question.data}});
  }

 private:
  ScriptedApplication& application_;
  Executor& control_;
};

ScriptedApplication::ScriptedApplication(const Clock& clock, std::string_view events) : clock_(clock) {
  while (!events.empty()) {
    const std::size_t end = std::min(events.find(','), events.size());
    events_.emplace_back(events.substr(0, end));
    events.remove_prefix(std::min(end + 1, events.size()));
  }
}

std::unique_ptr<asking::Application> ScriptedApplication::for_process(Executor& control) {
  if (events_.empty()) return nullptr;
  return std::make_unique<Asked>(*this, control);
}

template <class Answer>
Result<Answer> ScriptedApplication::answer_to(const std::string& event) const {
  const auto found = answers_.find(event);
  Answer answer;
  if (found == answers_.end()) return answer;
  if (!found->second) return std::unexpected(found->second.error());
  read(answer, *found->second, clock_.wall());
  return answer;
}

template <class Answer>
void ScriptedApplication::ask(
    Executor& control, Event event, const asking::Client& client, Completion<Answer> done, const json::Object& more) {
  const std::string name(to_string(event));
  json::Object question{{"event", name}, {"client", client.id}, {"user", client.user.view()}, {"name", client.name}};
  for (const auto& member : more) question[member.key()] = member.value();
  if (client.kept) {
    if (!client.kept->meta.empty()) question["meta"] = json::parse(client.kept->meta).value();
    for (const Header& header : client.kept->headers.list()) question[header.name] = header.value;
  }
  questions_.push_back(json::write(question));
  auto answer = [this, &control, name, done = std::move(done)]() mutable {
    control.post([done = std::move(done), said = answer_to<Answer>(name)]() mutable { done(std::move(said)); });
  };
  if (hangs_)
    waiting_.emplace_back(std::move(answer));
  else
    answer();
}

void ScriptedApplication::answers(const std::string& event, json::Object result) {
  answers_.insert_or_assign(event, std::move(result));
}
void ScriptedApplication::refuses(const std::string& event, Refusal refusal) {
  answers_.insert_or_assign(event, std::unexpected(std::move(refusal)));
}
void ScriptedApplication::hang() { hangs_ = true; }
void ScriptedApplication::go_on() {
  hangs_ = false;
  for (auto& answer : std::exchange(waiting_, {})) answer();
}

std::string ScriptedApplication::take_question() {
  if (questions_.empty()) return {};
  std::string question = std::move(questions_.front());
  questions_.pop_front();
  return question;
}

} // namespace foyer::harness
