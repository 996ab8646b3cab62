#include "engine/memory/shared_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

std::string joined(const SharedKey& key) { return key.kind + '\0' + key.name; }

Millis floored(MonoTime::duration span) { return std::chrono::floor<Millis>(span); }
Millis ceiled(MonoTime::duration span) { return std::chrono::ceil<Millis>(span); }

} // namespace

MemorySharedState::Digest MemorySharedState::digest(const std::string& name) {
  const std::string hash = sha256(name);
  Digest out{};
  std::memcpy(out.data(), hash.data(), sizeof out);
  return out;
}

Taken MemorySharedState::Mark::seen(MonoTime now) const { return {.first = false, .by = by, .ago = floored(now - at)}; }

template <class Entry>
void MemorySharedState::Kind<Entry>::forget_oldest() {
  entries.erase(ends.front().second);
  ends.pop_front();
}

template <class Entry>
void MemorySharedState::Kind<Entry>::forget_old(MonoTime now) {
  while (!ends.empty() && ends.front().first <= now) forget_oldest();
}

template <class Entry>
void MemorySharedState::Kind<Entry>::add(const Digest& name, Entry entry, MonoTime end) {
  entries.emplace(name, std::move(entry));
  auto place = ends.end();
  while (place != ends.begin() && std::prev(place)->first > end) --place;
  ends.emplace(place, end, name);
}

Refusal MemorySharedState::full(const std::string& kind, std::size_t remembered, Millis wait) {
  return {.cause = Cause::BUSY,
      .evidence = fmt::format("{} of kind {} are remembered, and no more fit", remembered, kind),
      .retry_after = wait};
}

void MemorySharedState::take_once(TakeRequest question, Completion<Taken> done) {
  const MonoTime now = clock_.mono();
  const Digest name = digest(question.key.name);
  const Taken first{.first = true, .by = question.by};
  if (const auto values = kept_.find(question.key.kind); values != kept_.end()) {
    values->second.forget_old(now);
    if (const auto found = values->second.entries.find(name); found != values->second.entries.end()) {
      std::optional<Mark>& taken = found->second.taken;
      if (taken) return done(taken->seen(now));
      taken = Mark{.at = now, .by = std::move(question.by)};
      return done(first);
    }
  }
  Kind<Mark>& kind = taken_[question.key.kind];
  kind.forget_old(now);
  if (const auto found = kind.entries.find(name); found != kind.entries.end()) return done(found->second.seen(now));
  if (kind.entries.size() >= question.most) {
    const Millis wait = kind.ends.empty() ? question.remember : ceiled(kind.ends.front().first - now);
    return done(std::unexpected(full(question.key.kind, kind.entries.size(), wait)));
  }
  kind.add(name, {.at = now, .by = std::move(question.by)}, now + question.remember);
  done(first);
}

void MemorySharedState::put_until(PutRequest question, Completion<bool> done) {
  const MonoTime now = clock_.mono();
  Kind<Value>& kind = kept_[question.key.kind];
  kind.forget_old(now);
  const Digest name = digest(question.key.name);
  if (kind.entries.contains(name)) return done(false);
  while (kind.entries.size() >= question.most) {
    const MonoTime end = kind.ends.empty() ? now + question.life : kind.entries.at(kind.ends.front().second).end;
    if (now < end) return done(std::unexpected(full(question.key.kind, kind.entries.size(), ceiled(end - now))));
    kind.forget_oldest();
  }
  const MonoTime end = now + question.life;
  kind.add(name, {.end = end, .value = std::move(question.value)}, end + question.remember);
  done(true);
}

void MemorySharedState::find(SharedKey key, Completion<std::optional<Kept>> done) {
  const MonoTime now = clock_.mono();
  Kind<Value>& kind = kept_[key.kind];
  kind.forget_old(now);
  const auto found = kind.entries.find(digest(key.name));
  if (found == kind.entries.end()) return done(std::nullopt);
  const Value& value = found->second;
  const auto left = value.end - now;
  Kept kept{.value = value.value, .left = left.count() > 0 ? ceiled(left) : floored(left)};
  if (value.taken) kept.taken = value.taken->seen(now);
  done(std::move(kept));
}

std::size_t MemorySharedState::remembered(std::string_view kind) const {
  const auto in = [kind](const auto& kinds) {
    const auto found = kinds.find(kind);
    return found == kinds.end() ? std::size_t{0} : found->second.entries.size();
  };
  return in(taken_) + in(kept_);
}

void MemorySharedState::count_in_window(CountRequest question, Completion<Counted> done) {
  const MonoTime now = clock_.mono();
  std::string key = joined(question.key);
  auto found = counts_.find(key);
  if (found == counts_.end()) {
    while (counts_.size() >= std::max<std::size_t>(most_counted_, 1)) {
      counts_.erase(counts_by_age_.back());
      counts_by_age_.pop_back();
    }
    counts_by_age_.push_front(key);
    found = counts_.emplace(std::move(key), Counts{.times = {}, .age = counts_by_age_.begin()}).first;
  } else {
    counts_by_age_.splice(counts_by_age_.begin(), counts_by_age_, found->second.age);
  }
  auto& times = found->second.times;
  while (!times.empty() && times.front() + question.window <= now) times.pop_front();
  if (times.size() >= question.most) {
    const MonoTime free = times.empty() ? now + question.window : times.front() + question.window;
    return done(Counted{.within = false, .retry_after = ceiled(free - now)});
  }
  times.push_back(now);
  done(Counted{.within = true});
}

void MemorySharedState::lease(LeaseRequest question, Completion<Lease> done) {
  const MonoTime now = clock_.mono();
  Held& held = leases_[joined(question.key)];
  const bool lapsed = held.until <= now;
  if (lapsed || held.holder == question.holder) {
    if (lapsed) ++held.term;
    held.holder = std::move(question.holder);
    held.until = now + question.life;
  }
  done(Lease{.holder = held.holder, .term = held.term, .left = ceiled(held.until - now)});
}

void MemorySharedState::end_lease(SharedKey key, std::string holder, std::uint64_t term, Completion<bool> done) {
  const auto found = leases_.find(joined(key));
  const MonoTime now = clock_.mono();
  if (found == leases_.end()) return done(false);
  Held& held = found->second;
  if (held.holder != holder || held.term != term || held.until <= now) return done(false);
  held.until = now;
  done(true);
}

} // namespace foyer::engine
