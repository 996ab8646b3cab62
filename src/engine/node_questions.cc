#include "engine/node_questions.h"

#include <algorithm>
#include <utility>

namespace foyer::engine {
namespace {

constexpr Millis kLookAgain{50}; // who the others are, while that is unknown

} // namespace

void NodeQuestions::close() {
  answerers_.clear();
  waiting_.clear();
}

void NodeQuestions::later(Millis delay, std::move_only_function<void(NodeQuestions&)> task, TimerId* timer) {
  const TimerId id = executor_.after(delay, [known = weak_from_this(), task = std::move(task)]() mutable {
    if (const auto self = known.lock()) task(*self);
  });
  if (timer != nullptr) *timer = id;
}

void NodeQuestions::ask(Question question, Which which, std::string bytes, Done done) {
  Asked asked{.question = question, .which = std::move(which), .bytes = std::move(bytes), .done = std::move(done)};
  executor_.post([known = weak_from_this(), asked = std::move(asked)]() mutable {
    if (const auto self = known.lock()) self->begin(std::move(asked), Millis{0});
  });
}

void NodeQuestions::begin(Asked asked, Millis waited) {
  auto others = others_();
  if (!others && waited >= kAnswerWait) return asked.done({.given = {}, .missing = {kUnknownNodes}});
  if (!others)
    return later(kLookAgain, [asked = std::move(asked), waited = waited + kLookAgain](NodeQuestions& self) mutable {
      self.begin(std::move(asked), waited);
    });
  std::vector<NodeId> to = *std::move(others);
  const std::size_t all = to.size();
  if (asked.which) std::erase_if(to, [&](const NodeId& node) { return !asked.which(node); });
  if (to.empty()) return asked.done({});
  if (asked.bytes.size() > kMostQuestionBytes || waiting_.size() >= kMostQuestions)
    return asked.done({.given = {}, .missing = std::move(to)});
  const bool everybody = to.size() == all;
  send(std::move(to), std::move(asked), everybody);
}

void NodeQuestions::send(std::vector<NodeId> to, Asked asked, bool all) {
  const std::uint64_t number = ++number_;
  Waiting& waiting = waiting_[number];
  waiting.done = std::move(asked.done);
  for (const NodeId& node : to) waiting.parts[node];
  later(kAnswerWait, [number](NodeQuestions& self) { self.finish(number); }, &waiting.timer);
  Ask ask{.from = node(),
      .number = number,
      .question = static_cast<std::uint8_t>(asked.question),
      .to = all ? std::vector<NodeId>{} : std::move(to),
      .bytes = std::move(asked.bytes)};
  bus_.send(std::move(ask), {.here = this});
}

void NodeQuestions::post(std::shared_ptr<const ControlMessage> message) {
  if (!std::holds_alternative<Ask>(*message) && !std::holds_alternative<Told>(*message)) return;
  executor_.post([known = weak_from_this(), message = std::move(message)] {
    if (const auto self = known.lock()) self->received(*message);
  });
}

void NodeQuestions::received(const ControlMessage& message) {
  if (const auto* ask = std::get_if<Ask>(&message)) asked(*ask);
  if (const auto* answer = std::get_if<Told>(&message)) told(*answer);
}

void NodeQuestions::asked(const Ask& ask) {
  if (ask.from == node()) return;
  if (!ask.to.empty() && std::ranges::find(ask.to, node()) == ask.to.end()) return;
  const auto answerer = answerers_.find(static_cast<Question>(ask.question));
  if (answerer == answerers_.end()) { // of a later release
    bus_.send(Told{.from = node(), .number = ask.number, .refused = true}, {.to = ask.from});
    return;
  }
  answerer->second(ask.bytes, [known = weak_from_this(), to = ask.from, number = ask.number](std::string bytes) {
    if (const auto self = known.lock()) self->tell(to, number, bytes);
  });
}

// The bus keeps the order of what one thread sends.
void NodeQuestions::tell(const NodeId& to, std::uint64_t number, std::string_view bytes) {
  if (bytes.size() > kMostNodeAnswerBytes) {
    bus_.send(Told{.from = node(), .number = number, .refused = true}, {.to = to});
    return;
  }
  std::uint32_t part = 0;
  do {
    const std::string_view some = bytes.substr(0, kAnswerPartBytes);
    bytes.remove_prefix(some.size());
    Told told{.from = node(), .number = number, .part = part++, .last = bytes.empty(), .bytes = std::string(some)};
    if (!bus_.send(std::move(told), {.to = to})) return; // whoever asked has ended
  } while (!bytes.empty());
}

void NodeQuestions::told(const Told& told) {
  const auto found = waiting_.find(told.number);
  if (found == waiting_.end()) return;
  Waiting& waiting = found->second;
  const auto parts = waiting.parts.find(told.from);
  if (parts == waiting.parts.end()) return;
  std::uint32_t& next = waiting.next[told.from];
  const bool whole = told.part == next++ && parts->second.size() + told.bytes.size() <= kMostNodeAnswerBytes;
  if (told.refused || !whole) {
    waiting.answers.missing.push_back(told.from);
    waiting.parts.erase(parts);
  } else {
    parts->second += told.bytes;
    if (!told.last) return;
    waiting.answers.given.push_back({.node = told.from, .bytes = std::move(parts->second)});
    waiting.parts.erase(parts);
  }
  if (!waiting.parts.empty()) return;
  executor_.cancel(waiting.timer);
  finish(told.number);
}

void NodeQuestions::finish(std::uint64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  for (const auto& [node, parts] : waiting.parts) waiting.answers.missing.push_back(node);
  std::ranges::sort(waiting.answers.missing);
  std::ranges::sort(waiting.answers.given, {}, &NodeAnswer::node);
  waiting.done(std::move(waiting.answers));
}

} // namespace foyer::engine
