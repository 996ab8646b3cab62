#include "access/idempotent_calls.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "base/limit_metrics.h"

namespace foyer::access {
namespace {

void write_canonical(std::string& out, const json::Value& value);

// Members in the order of their names, no white space.
void write_canonical(std::string& out, const json::Object& object, std::string_view without = {}) {
  std::vector<const json::Object::value_type*> members;
  members.reserve(object.size());
  for (const auto& member : object)
    if (without.empty() || member.key() != without) members.push_back(&member);
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

void write_canonical(std::string& out, const json::Value& value) {
  if (const auto* text = value.if_string()) return json::append_string(out, *text);
  if (const auto* object = value.if_object()) return write_canonical(out, *object);
  const auto* array = value.if_array();
  if (array == nullptr) {
    out += json::write(value);
    return;
  }
  out += '[';
  for (const auto& each : *array) {
    if (&each != &array->front()) out += ',';
    write_canonical(out, each);
  }
  out += ']';
}

// What a repetition gets; nothing: the call may be made.
std::optional<Result<CallAnswer>> answer_of(const engine::StoredCall& call, std::string_view body_hash) {
  if (call.body_hash != body_hash) return std::unexpected(key_reused());
  if (!call.done) return std::nullopt; // it began in a process that ended before it could say how
  return CallAnswer{.text = call.answer, .replayed = true};
}

Refusal still_running() {
  return {.cause = Cause::BUSY,
      .evidence = "the first call with this idempotency_key is still running",
      .retry_after = Millis{1'000}};
}

} // namespace

std::string hash_of_call(const json::Object& body, std::string_view key_member) {
  std::string text;
  text.reserve(512); // most bodies are shorter
  write_canonical(text, body, key_member);
  return base64url_encode(sha256(text));
}

struct IdempotentCalls::Life {
  IdempotentCalls* calls; // used on the control plane
};

struct IdempotentCalls::State {
  struct Waiting {
    Completion<CallAnswer> done;
    TimerId timer = 0;
  };
  struct Running {
    std::string body_hash;
    Completion<CallAnswer> done = {};
    std::map<std::uint64_t, Waiting> waiting = {}; // by number
  };

  State(Executor& plane, Metrics& metrics) : control(plane), meter(metrics, "repeated_calls", kMostWaiting) {}
  void end(const rooms::CallKey& key, Result<CallAnswer> answer);

  Executor& control;
  std::mutex mutex; // with everything below
  LimitMeter meter;
  std::map<rooms::CallKey, Running> running;
  std::uint64_t last_number = 0;
  std::size_t waiting = 0;
};

IdempotentCalls::IdempotentCalls(
    engine::CallRecords& store, Executor& control, const Clock& clock, Metrics& metrics, Nodes nodes)
    : store_(store),
      control_(control),
      clock_(clock),
      nodes_(nodes),
      recent_(clock, metrics),
      state_(std::make_shared<State>(control, metrics)),
      life_(std::make_shared<Life>(this)) {}

IdempotentCalls::~IdempotentCalls() {
  life_->calls = nullptr;
  const std::lock_guard held(state_->mutex);
  for (auto& [key, running] : state_->running)
    for (auto& [number, waiting] : running.waiting) control_.cancel(waiting.timer);
}

// A completion for another thread, whose answer continues on the control plane.
template <class T>
Completion<T> IdempotentCalls::posted(std::move_only_function<void(IdempotentCalls&, Result<T>)> then) {
  return [life = life_, &control = control_, then = std::move(then)](Result<T> answer) mutable {
    control.post([life, then = std::move(then), answer = std::move(answer)]() mutable {
      if (life->calls != nullptr) then(*life->calls, std::move(answer));
    });
  };
}

void IdempotentCalls::run(CallRequest request, Work work, Completion<CallAnswer> done) {
  switch (request.effect) {
    case CallEffect::memory:
      return recent_.run(request.key, std::move(request.body_hash),
          [work = std::move(work)](Completion<std::string> end) mutable { work({}, std::move(end)); }, std::move(done));
    case CallEffect::message:
      if (is_first(request, done)) start_message(std::move(request), std::move(work));
      return;
    case CallEffect::other: break;
  }
  control_.post([life = life_, request = std::move(request), work = std::move(work), done = std::move(done)]() mutable {
    if (life->calls != nullptr && life->calls->is_first(request, done))
      life->calls->start_other(std::move(request), std::move(work), life->calls->clock_.mono() + kWait);
  });
}

// Takes `done`, unless the call is refused at once.
bool IdempotentCalls::is_first(const CallRequest& request, Completion<CallAnswer>& done) {
  std::unique_lock held(state_->mutex);
  const auto [found, is_new] = state_->running.try_emplace(request.key, State::Running{.body_hash = request.body_hash});
  State::Running& running = found->second;
  if (is_new) {
    running.done = std::move(done);
    return true;
  }
  if (running.body_hash != request.body_hash) {
    held.unlock();
    done(std::unexpected(key_reused()));
    return false;
  }
  if (state_->waiting >= kMostWaiting) {
    state_->meter.refused();
    held.unlock();
    done(std::unexpected(Refusal{.cause = Cause::BUSY,
        .evidence = "repeated_calls: too many repetitions wait for the first call",
        .retry_after = Millis{1'000}}));
    return false;
  }
  const std::uint64_t number = ++state_->last_number;
  const TimerId timer = control_.after(kWait, [life = life_, key = request.key, number] {
    if (life->calls != nullptr) life->calls->gave_up(key, number);
  });
  running.waiting.emplace(number, State::Waiting{.done = std::move(done), .timer = timer});
  state_->meter.used(++state_->waiting);
  return false;
}

void IdempotentCalls::gave_up(const rooms::CallKey& key, std::uint64_t number) {
  Completion<CallAnswer> done;
  {
    const std::lock_guard held(state_->mutex);
    const auto running = state_->running.find(key);
    if (running == state_->running.end()) return;
    auto node = running->second.waiting.extract(number);
    if (!node) return;
    done = std::move(node.mapped().done);
    state_->meter.used(--state_->waiting);
  }
  done(std::unexpected(still_running()));
}

void IdempotentCalls::State::end(const rooms::CallKey& key, Result<CallAnswer> answer) {
  std::unique_lock held(mutex);
  auto node = running.extract(key);
  if (!node) return;
  Running& over = node.mapped();
  if (!over.waiting.empty()) meter.used(waiting -= over.waiting.size());
  held.unlock();
  for (auto& [number, each] : over.waiting) {
    control.cancel(each.timer);
    Result<CallAnswer> repeated = answer;
    if (repeated) repeated->replayed = true;
    each.done(std::move(repeated));
  }
  over.done(std::move(answer));
}

// --- one message ---

void IdempotentCalls::start_message(CallRequest request, Work work) {
  const auto record = std::make_shared<const rooms::CallRecord>(
      std::move(request.key), std::move(request.body_hash), std::move(request.answer));
  work(record, [state = state_, life = life_, record](Result<std::string> answer) {
    if (answer) return state->end(record->key, CallAnswer{.text = std::move(*answer)});
    if (record->earlier())
      if (auto known = answer_of(*record->earlier(), record->body_hash))
        return state->end(record->key, std::move(*known));
    state->control.post([life, record, why = std::move(answer).error()]() mutable {
      if (life->calls != nullptr) life->calls->message_refused(record, std::move(why));
    });
  });
}

// It did not get as far as the record: the room may have ended since the first call, or the right to publish there.
// A call that has happened is answered all the same.
void IdempotentCalls::message_refused(const rooms::CallRecordPtr& record, Refusal why) {
  store_.find_call(record->key,
      posted<std::optional<engine::StoredCall>>(
          [record, why = std::move(why)](const IdempotentCalls& calls, auto known) mutable {
    std::optional<Result<CallAnswer>> answer;
    if (known && *known) answer = answer_of(**known, record->body_hash);
    calls.state_->end(record->key, answer ? std::move(*answer) : std::unexpected(std::move(why)));
  }));
}

// --- other changes ---

void IdempotentCalls::start_other(CallRequest request, Work work, MonoTime until) {
  const rooms::CallKey key = request.key;
  const std::string hash = request.body_hash;
  store_.begin_call(key, hash,
      posted<std::optional<engine::StoredCall>>(
          [request = std::move(request), work = std::move(work), until](IdempotentCalls& calls, auto known) mutable {
    calls.begun(std::move(request), std::move(work), until, std::move(known));
  }));
}

void IdempotentCalls::begun(
    CallRequest request, Work work, MonoTime until, Result<std::optional<engine::StoredCall>> known) {
  if (!known) return state_->end(request.key, std::unexpected(std::move(known).error()));
  if (*known) {
    if (auto answer = answer_of(**known, request.body_hash)) return state_->end(request.key, std::move(*answer));
    if (nodes_ == Nodes::many) {
      if (clock_.mono() >= until) return state_->end(request.key, std::unexpected(still_running()));
      control_.after(kLookEvery, [life = life_, request = std::move(request), work = std::move(work), until]() mutable {
        if (life->calls != nullptr) life->calls->start_other(std::move(request), std::move(work), until);
      });
      return;
    }
  }
  work({}, posted<std::string>([request = std::move(request)](IdempotentCalls& calls, auto answer) mutable {
    calls.worked(std::move(request), std::move(answer));
  }));
}

void IdempotentCalls::worked(CallRequest request, Result<std::string> answer) {
  const rooms::CallKey key = request.key;
  if (!answer) {
    // Whoever waits gets the same refusal once the beginning is taken back, so that no repetition meets it.
    return store_.forget_call(key,
        posted<bool>([key, why = std::move(answer).error()](const IdempotentCalls& calls, const Result<bool>&) mutable {
      calls.state_->end(key, std::unexpected(std::move(why)));
    }));
  }
  // The effect is there: its answer is given even if it cannot be recorded.
  std::string text = *answer;
  store_.finish_call(key, std::move(request.body_hash), std::move(*answer),
      posted<bool>([key, text = std::move(text)](const IdempotentCalls& calls, const Result<bool>&) mutable {
    calls.state_->end(key, CallAnswer{.text = std::move(text)});
  }));
}

} // namespace foyer::access
