#include "access/idempotent_calls.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace foyer::access {
namespace {

// Members in the order of their names, no white space.
void write_canonical(std::string& out, const json::Value& value) {
  if (const auto* array = value.if_array()) {
    out += '[';
    for (const auto& each : *array) {
      if (&each != &array->front()) out += ',';
      write_canonical(out, each);
    }
    out += ']';
    return;
  }
  const auto* object = value.if_object();
  if (object == nullptr) {
    out += json::write(value);
    return;
  }
  std::vector<const json::Object::value_type*> members;
  for (const auto& member : *object) members.push_back(&member);
  std::ranges::sort(members, {}, [](const auto* member) { return std::string_view{member->key()}; });
  out += '{';
  for (const auto* member : members) {
    if (member != members.front()) out += ',';
    json::append_string(out, member->key());
    out += ':';
    write_canonical(out, member->value());
  }
  out += '}';
}

} // namespace

std::string hash_of_call(const json::Object& body, std::string_view key_member) {
  json::Object rest = body;
  rest.erase(key_member);
  std::string text;
  write_canonical(text, rest);
  return base64url_encode(sha256(text));
}

struct IdempotentCalls::Life {
  IdempotentCalls* calls;
};

IdempotentCalls::IdempotentCalls(engine::CallRecords& store, Executor& control, const Clock& clock, Metrics& metrics)
    : store_(store),
      control_(control),
      meter_(metrics, "repeated_calls", kMostWaiting),
      recent_(clock, metrics),
      life_(std::make_shared<Life>(this)) {}

IdempotentCalls::~IdempotentCalls() {
  life_->calls = nullptr;
  for (auto& [key, running] : running_)
    for (auto& [number, waiting] : running.waiting) control_.cancel(waiting.timer);
}

// A completion for another thread, whose answer continues here.
template <class T>
Completion<T> IdempotentCalls::posted(std::move_only_function<void(IdempotentCalls&, Result<T>)> then) {
  return [life = life_, &control = control_, then = std::move(then)](Result<T> answer) mutable {
    control.post([life, then = std::move(then), answer = std::move(answer)]() mutable {
      if (life->calls != nullptr) then(*life->calls, std::move(answer));
    });
  };
}

void IdempotentCalls::run(CallRequest request, Work work, Completion<CallAnswer> done) {
  if (request.effect == CallEffect::memory) {
    auto unrecorded = [work = std::move(work)](Completion<std::string> end) mutable { work({}, std::move(end)); };
    return recent_.run(request.key, std::move(request.body_hash), std::move(unrecorded), std::move(done));
  }
  control_.post([life = life_, request = std::move(request), work = std::move(work), done = std::move(done)]() mutable {
    if (life->calls != nullptr) life->calls->enter(std::move(request), std::move(work), std::move(done));
  });
}

void IdempotentCalls::enter(CallRequest request, Work work, Completion<CallAnswer> done) {
  if (const auto running = running_.find(request.key); running != running_.end())
    return join(request.key, running->second, request.body_hash, std::move(done));
  running_.emplace(request.key, Running{.body_hash = request.body_hash, .done = std::move(done), .waiting = {}});
  const rooms::CallKey key = request.key;
  const std::string hash = request.body_hash;
  const bool only_looks = request.effect == CallEffect::message;
  auto next = posted<std::optional<engine::StoredCall>>(
      [request = std::move(request), work = std::move(work)](IdempotentCalls& calls, auto known) mutable {
    calls.found(std::move(request), std::move(work), std::move(known));
  });
  if (only_looks)
    store_.find_call(key, std::move(next));
  else
    store_.begin_call(key, hash, std::move(next));
}

void IdempotentCalls::join(
    const rooms::CallKey& key, Running& running, const std::string& body_hash, Completion<CallAnswer> done) {
  if (running.body_hash != body_hash) return done(std::unexpected(key_reused()));
  if (waiting_ >= kMostWaiting) {
    meter_.refused();
    return done(std::unexpected(Refusal{.cause = Cause::BUSY,
        .evidence = "repeated_calls: too many repetitions wait for the first call",
        .retry_after = Millis{1'000}}));
  }
  const std::uint64_t number = ++last_number_;
  const TimerId timer = control_.after(kWait, [life = life_, key, number] {
    if (life->calls != nullptr) life->calls->gave_up(key, number);
  });
  running.waiting.emplace(number, Waiting{.done = std::move(done), .timer = timer});
  meter_.used(++waiting_);
}

void IdempotentCalls::gave_up(const rooms::CallKey& key, std::uint64_t number) {
  const auto running = running_.find(key);
  if (running == running_.end()) return;
  auto node = running->second.waiting.extract(number);
  if (!node) return;
  meter_.used(--waiting_);
  node.mapped().done(std::unexpected(Refusal{.cause = Cause::BUSY,
      .evidence = "the first call with this idempotency_key is still running",
      .retry_after = Millis{1'000}}));
}

void IdempotentCalls::found(CallRequest request, Work work, Result<std::optional<engine::StoredCall>> known) {
  if (!known) return end(request.key, std::unexpected(std::move(known).error()));
  if (*known) {
    engine::StoredCall& call = **known;
    if (call.body_hash != request.body_hash) return end(request.key, std::unexpected(key_reused()));
    if (call.done) return end(request.key, CallAnswer{.text = std::move(call.answer), .replayed = true});
    // It began in a process that ended before it could say how: again.
  }
  rooms::CallRecordPtr record;
  if (request.effect == CallEffect::message)
    record = std::make_shared<const rooms::CallRecord>(request.key, request.body_hash, request.answer);
  work(record, posted<std::string>([request = std::move(request), record](IdempotentCalls& calls, auto answer) mutable {
    calls.worked(std::move(request), std::move(record), std::move(answer));
  }));
}

void IdempotentCalls::worked(CallRequest request, rooms::CallRecordPtr record, Result<std::string> answer) {
  const rooms::CallKey key = request.key;
  if (!answer) {
    // Whoever waits gets the same refusal once the beginning is taken back, so that no repetition meets it.
    if (request.effect == CallEffect::message) return end(key, std::unexpected(std::move(answer).error()));
    return store_.forget_call(
        key, posted<bool>([key, why = std::move(answer).error()](IdempotentCalls& calls, const Result<bool>&) mutable {
      calls.end(key, std::unexpected(std::move(why)));
    }));
  }
  if (record && record->stored()) return end(key, CallAnswer{.text = std::move(*answer)});
  // The effect is there: its answer is given even if it cannot be recorded.
  std::string text = *answer;
  store_.finish_call(key, std::move(request.body_hash), std::move(*answer),
      posted<bool>([key, text = std::move(text)](IdempotentCalls& calls, const Result<bool>&) mutable {
    calls.end(key, CallAnswer{.text = std::move(text)});
  }));
}

void IdempotentCalls::end(const rooms::CallKey& key, Result<CallAnswer> answer) {
  auto node = running_.extract(key);
  if (!node) return;
  Running& running = node.mapped();
  waiting_ -= running.waiting.size();
  meter_.used(waiting_);
  for (auto& [number, waiting] : running.waiting) {
    control_.cancel(waiting.timer);
    Result<CallAnswer> repeated = answer;
    if (repeated) repeated->replayed = true;
    waiting.done(std::move(repeated));
  }
  running.done(std::move(answer));
}

} // namespace foyer::access
