#include "access/key_ring.h"

#include <algorithm>
#include <utility>

#include "access/api_key.h"
#include "base/bytes.h"

namespace foyer::access {
namespace {

constexpr std::int64_t kNever = INT64_MIN;

std::int64_t millis_or_never(const std::optional<WallTime>& time) { return time ? unix_millis(*time) : kNever; }

} // namespace

struct KeyRing::Life {
  KeyRing* ring;
};

KeyRing::KeyRing(
    engine::ApiKeys& store, KeyRingPolicy policy, Executor& control, const Clock& clock, Metrics& metrics, Log& log)
    : store_(store),
      policy_(policy),
      control_(control),
      clock_(clock),
      log_(log),
      waiting_meter_(metrics, "api_key_lookups", policy.waiting),
      life_(std::make_shared<Life>(this)) {}

KeyRing::~KeyRing() {
  life_->ring = nullptr;
  control_.cancel(poll_);
  control_.cancel(soon_);
}

void KeyRing::start() {
  const auto tick = [life = life_] {
    if (life->ring == nullptr) return;
    life->ring->ask();
    life->ring->store_uses();
  };
  poll_ = control_.every(policy_.poll_every, tick);
  control_.post(tick);
}

// --- on any thread ---

KeyRing::KnownPtr KeyRing::known() const {
  const std::lock_guard held(mutex_);
  return known_;
}

bool KeyRing::any() const {
  const KnownPtr now = known();
  return !now->by_hash.empty() || !now->by_service.empty();
}

void KeyRing::find(std::string_view key, Completion<ApiKeyPtr> done) {
  if (!looks_like_api_key(key))
    return done(refuse(Cause::API_KEY_REJECTED, key.empty() ? "no key was sent" : "it is not a key of this server"));
  find(Sought{.hash = hash_of_api_key(key), .service = {}}, std::move(done));
}

void KeyRing::find_of_service(std::string_view service, Completion<ApiKeyPtr> done) {
  find(Sought{.hash = {}, .service = std::string(service)}, std::move(done));
}

const KeyRing::Entry* KeyRing::look_up(const Known& known, const Sought& sought) {
  const auto& all = sought.service.empty() ? known.by_hash : known.by_service;
  const auto entry = all.find(sought.service.empty() ? sought.hash : sought.service);
  if (entry == all.end() || !constant_time_equal(entry->second.hash, sought.hash)) return nullptr;
  return &entry->second;
}

void KeyRing::find(Sought sought, Completion<ApiKeyPtr> done) {
  const KnownPtr now = known();
  const Entry* entry = look_up(*now, sought);
  // One that is not live may be so again: the store is asked, too.
  if (entry != nullptr && live(*entry)) return done(judge(*now, sought, entry));
  control_.post([life = life_, one = Waiting{std::move(sought), std::move(done)}]() mutable {
    if (life->ring != nullptr) life->ring->wait(std::move(one));
  });
}

bool KeyRing::live(const Entry& entry) const { return !entry.disabled && (!entry.ends || clock_.wall() < *entry.ends); }

Result<ApiKeyPtr> KeyRing::judge(const Known& known, const Sought& sought, const Entry* entry) {
  if (!known.confirmed || clock_.mono() - *known.confirmed > policy_.max_age) {
    if (known.failure) return std::unexpected(*known.failure);
    return std::unexpected(Refusal{.cause = Cause::BUSY,
        .evidence = "the API keys have not been read from the store",
        .retry_after = Millis{1'000}});
  }
  if (entry == nullptr && !sought.service.empty())
    return std::unexpected(Refusal{.cause = Cause::PERMISSION_DENIED,
        .evidence = "no API key belongs to the service " + printable(sought.service, kApiKeyNameBytes),
        .detail = "No API key belongs to this service.",
        .next = "Give the service rights: foyer api-key add NAME --for-service ID --may RIGHT."});
  if (entry == nullptr) return refuse(Cause::API_KEY_REJECTED, "no key in the store is like it");
  if (entry->disabled)
    return refuse(
        Cause::API_KEY_REJECTED, "the key " + entry->key->name + " is disabled since " + rfc3339(*entry->disabled));
  if (!live(*entry))
    return refuse(Cause::API_KEY_REJECTED,
        "the key " + entry->key->name + " was rotated, and this secret ended " + rfc3339(*entry->ends));
  note_use(*entry);
  return entry->key;
}

void KeyRing::note_use(const Entry& entry) {
  const WallTime now = clock_.wall();
  std::int64_t noted = entry.noted->load(std::memory_order_relaxed);
  if (noted != kNever && now - from_unix_millis(noted) < policy_.use_every) return;
  if (!entry.noted->compare_exchange_strong(noted, unix_millis(now), std::memory_order_relaxed)) return;
  control_.post([life = life_, use = engine::ApiKeyUse{entry.key->id, now}] {
    if (life->ring != nullptr) life->ring->uses_.push_back(use);
  });
}

// --- on the control plane ---

void KeyRing::wait(Waiting one) {
  if (waiting_.size() + asked_.size() >= policy_.waiting) {
    waiting_meter_.refused();
    return one.done(std::unexpected(Refusal{.cause = Cause::BUSY,
        .evidence = "api_key_lookups: too many requests with an unknown key wait for the store",
        .retry_after = Millis{1'000}}));
  }
  waiting_.push_back(std::move(one));
  waiting_meter_.used(waiting_.size() + asked_.size());
  ask_soon();
}

void KeyRing::ask_soon() {
  if (asking_ || soon_ != 0) return; // the answer starts the next one
  const MonoTime now = clock_.mono();
  if (now >= last_asked_ + policy_.ask_every) return ask();
  soon_ = control_.after(std::chrono::ceil<Millis>(last_asked_ + policy_.ask_every - now), [life = life_] {
    if (life->ring == nullptr) return;
    life->ring->soon_ = 0;
    life->ring->ask();
  });
}

void KeyRing::ask() {
  if (std::exchange(asking_, true)) return;
  last_asked_ = clock_.mono();
  asked_ = std::exchange(waiting_, {});
  store_.api_keys_since(version_, [life = life_, &control = control_](auto list) {
    control.post([life, list = std::move(list)]() mutable {
      if (life->ring != nullptr) life->ring->answered(std::move(list));
    });
  });
}

void KeyRing::answered(Result<std::optional<engine::ApiKeyList>> list) {
  asking_ = false;
  auto next = std::make_shared<Known>(*known());
  if (list) {
    next->confirmed = last_asked_;
    next->failure.reset();
    if (*list) {
      take(**list, *next);
      if (!version_.empty()) report(**list);
      version_ = (*list)->version;
    }
  } else {
    next->failure = list.error();
  }
  {
    const std::lock_guard held(mutex_);
    known_ = next;
  }
  auto asked = std::exchange(asked_, {});
  waiting_meter_.used(waiting_.size());
  for (Waiting& each : asked) {
    const Entry* entry = look_up(*next, each.sought);
    if (entry == nullptr && next->failure)
      each.done(std::unexpected(*next->failure));
    else
      each.done(judge(*next, each.sought, entry));
  }
  if (!waiting_.empty()) ask_soon();
}

void KeyRing::take(const engine::ApiKeyList& list, Known& next) const {
  std::unordered_map<std::string, std::shared_ptr<std::atomic<std::int64_t>>> noted; // by id: what is known of uses
  for (const auto* all : {&next.by_hash, &next.by_service})
    for (const auto& [name, entry] : *all) noted.emplace(entry.key->id, entry.noted);
  next.by_hash.clear();
  next.by_service.clear();
  for (const engine::ApiKeyRow& row : list.keys) {
    auto rights = rooms::ApiRights::parse(row.rights);
    if (!rights) { // written by a newer version: allowed less rather than more
      log_.error("api_key_unreadable", "An API key has rights that this version does not know; it is refused.",
          {{"key", row.name}, {"evidence", rights.error().evidence}});
      continue;
    }
    const auto key = std::make_shared<const ApiKey>(row.id, row.name, std::move(*rights));
    auto& use = noted[row.id];
    if (!use) use = std::make_shared<std::atomic<std::int64_t>>(millis_or_never(row.used));
    for (const engine::ApiSecret& secret : row.secrets)
      next.by_hash.emplace(secret.hash, Entry{key, secret.hash, secret.ends, row.disabled, use});
    if (!row.service.empty()) next.by_service.emplace(row.service, Entry{key, {}, {}, row.disabled, use});
  }
}

void KeyRing::report(const engine::ApiKeyList& list) {
  const auto disabled = std::ranges::count_if(list.keys, [](const auto& key) { return key.disabled.has_value(); });
  log_.info("api_keys_changed", "The API keys were changed; the new state holds from now on.",
      {{"keys", list.keys.size()}, {"disabled", disabled}});
}

// A use that cannot be stored is lost: it is only a hint which keys are in use.
void KeyRing::store_uses() {
  if (!uses_.empty()) store_.note_api_key_uses(std::exchange(uses_, {}), [](const Result<bool>&) {});
}

} // namespace foyer::access
