#include "engine/redis/shared_state.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "engine/redis/eval.h"
#include "engine/redis/refusal.h"
#include "engine/redis/shared_state_scripts.h"

namespace foyer::engine {
namespace {

using redis::Reply;
using Answer = std::expected<Reply, redis::Failure>;

std::string number(Millis life) { return std::to_string(std::max<Millis::rep>(0, life.count())); }
std::string number(std::size_t most) { return std::to_string(std::min<std::size_t>(most, UINT32_MAX)); }

// Names come from clients and have any length.
std::string short_name(const SharedKey& key) { return base64url_encode(sha256(key.name)); }

Refusal no_more_fit(const std::string& kind, const Reply& reply) {
  return {.cause = Cause::BUSY,
      .evidence = std::to_string(reply.items[1].integer) + " of kind " + kind + " are remembered, and no more fit",
      .retry_after = Millis{reply.items[2].integer}};
}

} // namespace

class RedisSharedState::Gauges {
 public:
  enum class Of : std::uint8_t { taken, put };
  void note(const std::string& kind, Of of, std::int64_t count) {
    if (count < 0) return;
    const std::lock_guard held(mutex_);
    counts_[kind][of == Of::taken ? 0 : 1] = static_cast<std::size_t>(count);
  }
  std::size_t of(std::string_view kind) const {
    const std::lock_guard held(mutex_);
    const auto found = counts_.find(kind);
    return found == counts_.end() ? 0 : found->second[0] + found->second[1];
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::array<std::size_t, 2>, std::less<>> counts_; // kinds are words of the code: few
};

RedisSharedState::RedisSharedState(BusNames names, redis::Commands& commands)
    : names_(std::move(names)),
      commands_(commands),
      gauges_(std::make_shared<Gauges>()) {}
RedisSharedState::~RedisSharedState() = default;

void RedisSharedState::take_once(TakeRequest question, Completion<Taken> done) {
  const std::string name = short_name(question.key), kind = question.key.kind;
  commands_.send(
      eval(scripts::kTake,
          {names_.state(kind, "put:" + name), names_.state(kind, "taken:" + name), names_.state(kind, "taken")},
          {question.by, number(question.remember), number(question.most), name}),
      [gauges = gauges_, kind, by = question.by, done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (!is_list(*answer, 2)) return done(not_ours());
    gauges->note(kind, Gauges::Of::taken, answer->items[1].integer);
    switch (answer->items[0].integer) {
      case 1: return done(Taken{.first = true, .by = std::move(by)});
      case 0:
        if (is_list(*answer, 4))
          return done(Taken{.by = answer->items[2].text, .ago = Millis{answer->items[3].integer}});
        break;
      case -1:
        if (is_list(*answer, 3)) return done(std::unexpected(no_more_fit(kind, *answer)));
        break;
      default: break;
    }
    done(not_ours());
  });
}

void RedisSharedState::put_until(PutRequest question, Completion<bool> done) {
  const std::string name = short_name(question.key), kind = question.key.kind;
  commands_.send(eval(scripts::kPut, {names_.state(kind, "put:" + name), names_.state(kind, "put")},
                     {std::move(question.value), number(question.life), number(question.remember),
                         number(question.most), name, names_.state(kind, "put:")}),
      [gauges = gauges_, kind, done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (!is_list(*answer, 2)) return done(not_ours());
    gauges->note(kind, Gauges::Of::put, answer->items[1].integer);
    if (answer->items[0].integer >= 0) return done(answer->items[0].integer == 1);
    if (!is_list(*answer, 3)) return done(not_ours());
    done(std::unexpected(no_more_fit(kind, *answer)));
  });
}

void RedisSharedState::find(SharedKey key, Completion<std::optional<Kept>> done) {
  commands_.send(eval(scripts::kFind, {names_.state(key.kind, "put:" + short_name(key))}, {}),
      [done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (answer->kind != Reply::Kind::array) return done(not_ours());
    const auto& items = answer->items;
    if (items.size() < 2) return done(std::nullopt);
    Kept kept{.value = items[0].text, .left = Millis{items[1].integer}};
    if (items.size() == 4) kept.taken = Taken{.by = items[2].text, .ago = Millis{items[3].integer}};
    done(std::move(kept));
  });
}

void RedisSharedState::count_in_window(CountRequest question, Completion<Counted> done) {
  commands_.send(eval(scripts::kCount, {names_.state(question.key.kind, "count:" + short_name(question.key))},
                     {number(std::size_t{question.most}), number(question.window)}),
      [done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (answer->kind != Reply::Kind::integer) return done(not_ours());
    done(Counted{.within = answer->integer == 0, .retry_after = Millis{answer->integer}});
  });
}

void RedisSharedState::lease(LeaseRequest question, Completion<Lease> done) {
  commands_.send(eval(scripts::kLease, {names_.state(question.key.kind, "lease:" + short_name(question.key))},
                     {question.holder, number(question.life), number(kLeaseTermLife)}),
      [done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (answer->kind != Reply::Kind::array || answer->items.size() != 3) return done(not_ours());
    done(Lease{.holder = answer->items[0].text,
        .term = static_cast<std::uint64_t>(answer->items[1].integer),
        .left = Millis{answer->items[2].integer}});
  });
}

void RedisSharedState::end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) {
  commands_.send(eval(scripts::kEndLease, {names_.state(key.kind, "lease:" + short_name(key))},
                     {std::move(holder), std::to_string(term)}),
      [done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (answer->kind != Reply::Kind::integer) return done(not_ours());
    done(answer->integer == 1);
  });
}

std::size_t RedisSharedState::remembered(std::string_view kind) const { return gauges_->of(kind); }

} // namespace foyer::engine
