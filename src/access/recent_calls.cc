#include "access/recent_calls.h"

#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/call_records.h"

namespace foyer::access {

struct RecentCalls::State {
  State(const Clock& c, Metrics& metrics, std::size_t limit)
      : clock(c),
        most(limit),
        meter(metrics, "recent_calls", limit) {}

  struct Call {
    std::string body_hash;
    std::string answer = {};
    bool done = false;
    std::vector<Completion<CallAnswer>> waiting = {}; // for the first one
  };
  using Calls = std::unordered_map<std::string, Call>;
  struct Ended {
    MonoTime at{};
    std::string name;
  };

  void forget_old();
  void end(const std::string& name, Result<std::string> answer, Completion<CallAnswer> first);

  const Clock& clock;
  const std::size_t most;
  std::mutex mutex; // with everything below
  LimitMeter meter;
  Calls calls;             // by key
  std::deque<Ended> ended; // oldest first
  std::size_t waiting = 0;
};

namespace {

std::string name_of(const rooms::CallKey& key) {
  std::string name;
  for (const std::string* part : {&key.api_key, &key.method}) name.append(*part).append(1, '\0'); // no id contains it
  return name + key.idempotency_key;
}

} // namespace

Refusal key_reused() {
  return {.cause = Cause::KEY_REUSED,
      .evidence = "the idempotency_key was used for a call with another body",
      .field = "idempotency_key"};
}

RecentCalls::RecentCalls(const Clock& clock, Metrics& metrics, std::size_t most)
    : state_(std::make_shared<State>(clock, metrics, most)) {}

void RecentCalls::run(const rooms::CallKey& key, std::string body_hash, Work work, Completion<CallAnswer> done) {
  std::string name = name_of(key);
  {
    std::unique_lock held(state_->mutex);
    const auto [found, is_new] = state_->calls.try_emplace(name, State::Call{.body_hash = body_hash});
    if (!is_new) {
      State::Call& call = found->second;
      if (call.body_hash != body_hash) {
        held.unlock();
        return done(std::unexpected(key_reused()));
      }
      if (call.done) {
        CallAnswer answer{.text = call.answer, .replayed = true};
        held.unlock();
        return done(std::move(answer));
      }
      if (state_->waiting < kMostWaiting) {
        ++state_->waiting;
        call.waiting.push_back(std::move(done));
        return;
      }
      held.unlock();
      return done(std::unexpected(Refusal{.cause = Cause::BUSY,
          .evidence = "repeated_calls: too many repetitions wait for the first call",
          .retry_after = Millis{1'000}}));
    }
  }
  work([state = state_, name = std::move(name), done = std::move(done)](
           Result<std::string> answer) mutable { state->end(name, std::move(answer), std::move(done)); });
}

void RecentCalls::State::end(const std::string& name, Result<std::string> answer, Completion<CallAnswer> first) {
  std::vector<Completion<CallAnswer>> others;
  {
    const std::lock_guard held(mutex);
    const auto found = calls.find(name);
    others = std::exchange(found->second.waiting, {});
    waiting -= others.size();
    if (answer) {
      found->second.answer = *answer;
      found->second.done = true;
      ended.push_back({.at = clock.mono(), .name = name});
      forget_old();
    } else {
      calls.erase(found);
    }
  }
  const auto tell = [&answer](Completion<CallAnswer>& done, bool replayed) {
    if (answer)
      done(CallAnswer{.text = *answer, .replayed = replayed});
    else
      done(std::unexpected(answer.error()));
  };
  tell(first, false);
  for (auto& done : others) tell(done, true);
}

void RecentCalls::State::forget_old() {
  const MonoTime now = clock.mono();
  while (ended.size() > most || (!ended.empty() && now - ended.front().at > engine::kCallLife)) {
    calls.erase(ended.front().name);
    ended.pop_front();
  }
  meter.used(ended.size());
}

} // namespace foyer::access
