#include "access/recent_calls.h"

#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
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
    std::string name; // of its key
    std::string body_hash;
    std::string answer = {};
    std::optional<MonoTime> ended = {};
    std::vector<Completion<CallAnswer>> waiting = {}; // for the first one
  };
  // A flat table with the hashes beside the calls: in one of 200,000 nodes, each look-up and each growth would wait for
  // memory several times.
  struct Entry {
    std::size_t hash;
    std::unique_ptr<Call> call;
  };
  struct Name {
    explicit Name(std::string_view t) : hash(std::hash<std::string_view>{}(t)), text(t) {}
    std::size_t hash;
    std::string_view text;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const Entry& entry) const { return entry.hash; }
    std::size_t operator()(const Name& name) const { return name.hash; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const { return a.call == b.call; }
    bool operator()(const Name& a, const Entry& b) const { return a.hash == b.hash && a.text == b.call->name; }
    bool operator()(const Entry& a, const Name& b) const { return (*this)(b, a); }
  };

  void forget_old();
  void end(Call& call, Result<std::string> answer, Completion<CallAnswer> first);

  const Clock& clock;
  const std::size_t most;
  std::mutex mutex; // with everything below
  LimitMeter meter;
  boost::unordered_flat_set<Entry, Hash, Equal> calls;
  std::deque<Call*> ended; // oldest first
  std::size_t waiting = 0;
};

namespace {

std::string name_of(const rooms::CallKey& key) {
  std::string name;
  name.reserve(key.api_key.size() + key.method.size() + key.idempotency_key.size() + 2);
  for (const std::string* part : {&key.api_key, &key.method}) name.append(*part).append(1, '\0'); // no id contains it
  return name.append(key.idempotency_key);
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
  std::string text = name_of(key);
  const State::Name name{text};
  State::Call* begun = nullptr;
  {
    std::unique_lock held(state_->mutex);
    if (const auto found = state_->calls.find(name); found != state_->calls.end()) {
      State::Call& call = *found->call;
      if (call.body_hash != body_hash) {
        held.unlock();
        return done(std::unexpected(key_reused()));
      }
      if (call.ended) {
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
    auto call = std::make_unique<State::Call>(State::Call{.name = std::move(text), .body_hash = std::move(body_hash)});
    begun = call.get();
    state_->calls.insert(State::Entry{.hash = name.hash, .call = std::move(call)});
  }
  // A call stays in its place until it has ended.
  work([state = state_, begun, done = std::move(done)](
           Result<std::string> answer) mutable { state->end(*begun, std::move(answer), std::move(done)); });
}

void RecentCalls::State::end(Call& call, Result<std::string> answer, Completion<CallAnswer> first) {
  std::vector<Completion<CallAnswer>> others;
  {
    const std::lock_guard held(mutex);
    others = std::exchange(call.waiting, {});
    waiting -= others.size();
    if (answer) {
      call.answer = *answer;
      call.ended = clock.mono();
      ended.push_back(&call);
      forget_old();
    } else {
      calls.erase(calls.find(Name{call.name}));
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
  while (ended.size() > most || (!ended.empty() && now - *ended.front()->ended > engine::kCallLife)) {
    calls.erase(calls.find(Name{ended.front()->name}));
    ended.pop_front();
  }
  meter.used(ended.size());
}

} // namespace foyer::access
