#include "auth/key_set_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <ranges>
#include <vector>

#include "auth/answer.h"
#include "auth/back_off.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/limit_metrics.h"
#include "wire/url.h"

namespace foyer::auth {
namespace {

constexpr std::size_t kMaxWaiting = 20'000;
constexpr std::size_t kShownIgnored = 8; // ignored keys named in the log
constexpr Millis kJustChanged{1'000};    // a caller so soon after a change used the older set

// Counted for each issuer; the series of our own key set has no such label.
Counter& fetches(Metrics& metrics, const std::string& issuer, const char* outcome) {
  std::vector<std::pair<std::string, std::string>> labels{{"outcome", outcome}};
  if (!issuer.empty()) labels.emplace_back("issuer", issuer);
  return metrics.counter("foyer_key_set_fetches_total", "Fetches of the key set that verifies tokens.", labels);
}

Refusal invalid(std::string_view what, std::string evidence) {
  return {.cause = Cause::INVALID_RESPONSE_FORMAT, .evidence = fmt::format("{}: {}", what, evidence)};
}

bool is_html(const Response& response) {
  const std::string* type = response.headers.find("Content-Type");
  const auto first = response.body.find_first_not_of(" \t\r\n");
  return (type != nullptr && type->size() >= 9 && iequals(std::string_view(*type).substr(0, 9), "text/html")) ||
      (first != std::string::npos && response.body[first] == '<');
}

} // namespace

struct KeySetSource::Fetcher : std::enable_shared_from_this<Fetcher> {
  Fetcher(Context a, KeySetPolicy p, OnChange c)
      : around(a),
        policy(std::move(p)),
        on_change(std::move(c)),
        target(policy.discovery ? std::string{} : policy.target),
        fetched(fetches(a.metrics, policy.issuer, "fetched")),
        failed(fetches(a.metrics, policy.issuer, "failed")),
        meter(a.metrics, "key_set_waiters", kMaxWaiting) {}

  Context around;
  const KeySetPolicy policy;
  const OnChange on_change;
  std::string target; // of the key set; empty: its discovery document must be read first
  Counter& fetched;
  Counter& failed;
  LimitMeter meter;
  std::shared_ptr<const jose::KeySet> keys;
  std::string etag;
  std::vector<Completion<bool>> waiting; // for the fetch in progress
  bool fetching = false;
  bool logged_too_old = false;
  std::string logged_ignored;          // the ignored keys as last logged
  TimerId timer = 0;                   // of the next scheduled fetch
  std::optional<MonoTime> out_of_turn; // when an unscheduled fetch was last started for an unknown kid
  std::optional<MonoTime> changed;
  BackOff back_off;
  std::atomic<std::int64_t> good_until{INT64_MIN}; // MonoTime's count
  mutable std::mutex mutex;                        // for the status alone
  KeySetStatus status;

  [[nodiscard]] bool good() const {
    return around.clock.mono().time_since_epoch().count() < good_until.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Refusal refusal() const;
  void fetch_after(Millis delay);
  void fetch();
  void get(const std::string& from, void (Fetcher::*then)(const client::HttpResult&));
  [[nodiscard]] std::string what() const;
  [[nodiscard]] Refusal named(Refusal refusal) const;
  [[nodiscard]] Result<const Response*> good_answer(const client::HttpResult& result) const;
  [[nodiscard]] Result<std::string> read_metadata(const client::HttpResult& result) const;
  void on_metadata(const client::HttpResult& result);
  void refresh(Completion<bool> done);
  void wait(Completion<bool> done);
  [[nodiscard]] Result<std::shared_ptr<const jose::KeySet>> read(const client::HttpResult& result) const;
  void on_answer(const client::HttpResult& result);
  void take(std::shared_ptr<const jose::KeySet> set, const Response& answer);
  void log_ignored(const jose::KeySet& set);
  void fault(Refusal refusal);
  void answer_all(const Result<bool>& answer);
};

Refusal KeySetSource::Fetcher::refusal() const {
  const std::lock_guard lock(mutex);
  Refusal out = status.fault.value_or(
      named({.cause = Cause::AUTH_SERVICE_TIMEOUT, .evidence = fmt::format("{}: not answered yet", what())}));
  if (status.last_success)
    out.evidence = fmt::format("the key set is from {} and older than {} s, key_set_max_age; {}",
        rfc3339(*status.last_success), policy.max_age.count() / 1'000, out.evidence);
  else
    out.evidence = fmt::format("no key set has been fetched yet; {}", out.evidence);
  return out;
}

void KeySetSource::Fetcher::fetch_after(Millis delay) {
  if (timer != 0) around.control.cancel(timer);
  timer = around.control.after(delay, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->timer = 0;
    if (!self->fetching) self->fetch();
  });
}

std::string KeySetSource::Fetcher::what() const {
  const std::string& from = target.empty() ? policy.discovery->target : target;
  return "GET " + from.substr(0, from.find('?'));
}

// Of a trusted issuer every fault is the same cause, with the reason as evidence.
Refusal KeySetSource::Fetcher::named(Refusal refusal) const {
  if (policy.issuer.empty() || refusal.cause == Cause::ISSUER_KEYS_UNAVAILABLE) return refusal;
  refusal.cause = Cause::ISSUER_KEYS_UNAVAILABLE;
  refusal.evidence = fmt::format("issuer {}: {}", policy.issuer, refusal.evidence);
  if (!refusal.retry_after) refusal.retry_after = Millis{5'000};
  return refusal;
}

void KeySetSource::Fetcher::fetch() {
  fetching = true;
  if (timer != 0) around.control.cancel(std::exchange(timer, 0));
  if (target.empty())
    get(policy.discovery->target, &Fetcher::on_metadata);
  else
    get(target, &Fetcher::on_answer);
}

void KeySetSource::Fetcher::get(const std::string& from, void (Fetcher::*then)(const client::HttpResult&)) {
  Call call{.method = "GET", .target = from, .headers = {{"Accept", "application/json"}}, .body = {}};
  if (!etag.empty() && !target.empty()) call.headers.add("If-None-Match", etag);
  call.connect_timeout = policy.connect_timeout;
  call.timeout = policy.timeout;
  call.repeatable = true;
  around.transport.send(std::move(call), [weak = weak_from_this(), then](client::HttpResult result) {
    if (const auto self = weak.lock()) ((*self).*then)(result);
  });
}

// A 200, or a 304 to a known key set.
Result<const Response*> KeySetSource::Fetcher::good_answer(const client::HttpResult& result) const {
  if (!result) {
    Refusal refusal = refusal_of(result.error());
    refusal.evidence = fmt::format("{}: {}", what(), refusal.evidence);
    return std::unexpected(std::move(refusal));
  }
  const int code = result->status;
  const std::string_view wanted = target.empty() ? "an issuer's metadata" : "a key set";
  if (code == 304 && keys && !target.empty()) return &*result;
  if (code >= 500) return refuse(Cause::AUTH_SERVICE_NOT_AVAILABLE, fmt::format("{}: answered {}", what(), code));
  if (code >= 300 && code < 400)
    return std::unexpected(invalid(what(), fmt::format("answered {}, a redirect; redirects are not followed", code)));
  if (code != 200) return std::unexpected(invalid(what(), fmt::format("answered {} instead of {}", code, wanted)));
  if (is_html(*result))
    return std::unexpected(invalid(what(), fmt::format("answered with an HTML page instead of {}", wanted)));
  return &*result;
}

// OpenID Connect Discovery 1.0 §4.3: the issuer it names must be exactly ours; where the keys are.
Result<std::string> KeySetSource::Fetcher::read_metadata(const client::HttpResult& result) const {
  TRY(answer, good_answer(result));
  const auto document = json::parse(answer->body, {.bytes = 256 * 1024});
  const auto* object = document ? document->if_object() : nullptr;
  if (object == nullptr) return std::unexpected(invalid(what(), "answered something that is not a JSON object"));
  const auto issuer = json::get_string(*object, "issuer");
  if (!issuer) return std::unexpected(invalid(what(), "metadata without an issuer"));
  if (*issuer != policy.discovery->issuer)
    return std::unexpected(invalid(what(),
        fmt::format("the metadata of another issuer, {}; expected exactly {}", printable(*issuer, 128),
            policy.discovery->issuer)));
  const auto uri = json::get_string(*object, "jwks_uri");
  if (!uri) return std::unexpected(invalid(what(), "metadata without jwks_uri"));
  const auto url = wire::parse_url(*uri);
  if (!url || url->origin() != policy.discovery->origin)
    return std::unexpected(invalid(what(),
        fmt::format("jwks_uri is not on the origin of the issuer, {}; set jwks_url instead of discovery",
            policy.discovery->origin)));
  return client::request_target(*url);
}

void KeySetSource::Fetcher::on_metadata(const client::HttpResult& result) {
  auto found = read_metadata(result);
  if (!found) {
    fetching = false;
    return fault(std::move(found).error());
  }
  target = std::move(*found);
  fetch();
}

// Null: unchanged (304).
Result<std::shared_ptr<const jose::KeySet>> KeySetSource::Fetcher::read(const client::HttpResult& result) const {
  TRY(answer, good_answer(result));
  if (answer->status == 304) return std::shared_ptr<const jose::KeySet>{};
  auto set = jose::KeySet::parse(answer->body);
  if (!set) return std::unexpected(invalid(what(), set.error().evidence));
  if (std::ranges::any_of((*set)->keys(), &jose::Key::symmetric))
    return std::unexpected(invalid(what(), "only shared secrets in a published key set; they are no longer secret"));
  if (policy.issuer.empty()) return set;
  auto pinned = jose::KeySet::restricted(*set, policy.algorithms); // a foreign token never chooses its algorithm
  if (!pinned) return std::unexpected(invalid(what(), pinned.error().evidence));
  return pinned;
}

void KeySetSource::Fetcher::on_answer(const client::HttpResult& result) {
  fetching = false;
  auto set = read(result);
  if (!set) return fault(std::move(set).error());
  take(std::move(*set), *result);
}

void KeySetSource::Fetcher::take(std::shared_ptr<const jose::KeySet> set, const Response& answer) {
  fetched.add();
  back_off.reset();
  logged_too_old = false;
  if (const std::string* tag = answer.headers.find("ETag"); tag != nullptr && tag->size() <= 256)
    etag = *tag;
  else if (set)
    etag.clear();
  const bool newer = set && (!keys || keys->to_jwks() != set->to_jwks());
  const MonoTime now = around.clock.mono();
  good_until.store((now + policy.max_age).time_since_epoch().count(), std::memory_order_relaxed);
  bool again = false;
  {
    const std::lock_guard lock(mutex);
    again = status.fault.has_value() && status.last_success.has_value();
    status.fault.reset();
    status.last_success = around.clock.wall();
    if (set) {
      status.keys = set->keys().size();
      status.ignored = set->ignored().size();
    }
  }
  if (set) log_ignored(*set);
  if (again) around.log.info("key_set_fetched_again", "The key set can be fetched again.");
  if (newer) {
    keys = std::move(set);
    changed = now;
    around.log.info("key_set_changed", "The key set has changed; tokens are now verified with the new one.",
        {{"keys", keys->keys().size()}});
    on_change(keys);
  }
  fetch_after(policy.interval);
  answer_all(newer);
}

// RFC 7517 §5: keys that are not understood are ignored. Logged once per change.
void KeySetSource::Fetcher::log_ignored(const jose::KeySet& set) {
  std::string now;
  for (const auto& key : set.ignored() | std::views::take(kShownIgnored))
    now +=
        fmt::format("{}{}: {}", now.empty() ? "" : "; ", key.kid.empty() ? "a key without kid" : key.kid, key.reason());
  if (now == logged_ignored) return;
  logged_ignored = now;
  if (now.empty()) return around.log.info("key_set_keys_usable", "All keys in the key set can be used again.");
  around.log.warning("key_set_keys_ignored",
      "Some keys in the key set cannot be used. Tokens signed with them are refused; the other keys are used.",
      {{"ignored", set.ignored().size()}, {"keys", set.keys().size()}, {"why", now}});
}

void KeySetSource::Fetcher::fault(Refusal why) {
  failed.add();
  why = named(std::move(why));
  if (policy.discovery) { // the key set may have moved
    target.clear();
    etag.clear();
  }
  bool first = false;
  {
    const std::lock_guard lock(mutex);
    first = !status.fault || status.fault->cause != why.cause;
    status.fault = why;
  }
  const bool serves = good();
  if (first)
    around.log.warning("key_set_not_fetched",
        serves ? "The key set cannot be fetched; the last good one stays in use, up to key_set_max_age."
               : "The key set cannot be fetched, and no earlier one can be used.",
        {{"code", why.code()}, {"evidence", why.evidence}});
  if (keys && !serves && !std::exchange(logged_too_old, true))
    around.log.error("key_set_too_old",
        "The last good key set is older than key_set_max_age; no token can be verified until it can be fetched.",
        {{"code", why.code()}});
  fetch_after(back_off.next(around.entropy));
  if (serves)
    answer_all(false);
  else
    answer_all(std::unexpected(refusal()));
}

void KeySetSource::Fetcher::answer_all(const Result<bool>& answer) {
  for (auto& done : std::exchange(waiting, {})) done(answer);
  meter.used(waiting.size());
}

void KeySetSource::Fetcher::refresh(Completion<bool> done) {
  if (waiting.size() >= kMaxWaiting) {
    meter.refused();
    return done(refuse(
        Cause::BUSY, fmt::format("{} tokens with unknown keys are already waiting for the key set", waiting.size())));
  }
  if (fetching) return wait(std::move(done));
  const MonoTime now = around.clock.mono();
  if (changed && now - *changed < kJustChanged) return done(true);
  if (!good()) return done(std::unexpected(refusal())); // a fetch is already due, with a back-off of seconds
  if (out_of_turn && now - *out_of_turn < policy.cool_down) return done(false);
  out_of_turn = now;
  wait(std::move(done));
  fetch();
}

void KeySetSource::Fetcher::wait(Completion<bool> done) {
  waiting.push_back(std::move(done));
  meter.used(waiting.size());
}

KeySetSource::KeySetSource(Context around, KeySetPolicy policy, OnChange on_change)
    : fetcher_(std::make_shared<Fetcher>(around, std::move(policy), std::move(on_change))) {}
KeySetSource::~KeySetSource() = default;

void KeySetSource::start() {
  fetcher_->around.control.after(Millis{0}, [weak = std::weak_ptr(fetcher_)] {
    const auto self = weak.lock();
    if (self && !self->fetching) self->fetch();
  });
}

void KeySetSource::refresh(Completion<bool> done) { fetcher_->refresh(std::move(done)); }

std::optional<Refusal> KeySetSource::check() const {
  if (fetcher_->good()) return std::nullopt;
  return fetcher_->refusal();
}

KeySetStatus KeySetSource::status() const {
  const std::lock_guard lock(fetcher_->mutex);
  return fetcher_->status;
}

} // namespace foyer::auth
