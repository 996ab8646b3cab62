#include "accounts/keys/signing_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace foyer::accounts {
namespace {

std::string about(std::string_view kid) { return fmt::format("key:{}", kid); }

bool earlier(const SigningKeyRow& a, const SigningKeyRow& b) {
  return a.active_from != b.active_from ? a.active_from < b.active_from : a.kid < b.kid;
}

} // namespace

std::string_view to_string(KeyState state) {
  switch (state) {
    case KeyState::ahead: return "ahead";
    case KeyState::signing: return "signing";
    case KeyState::retired: return "retired";
    case KeyState::over: return "over";
  }
  return "over";
}

// A key retires when the next one becomes active, whatever its own row says:
// the next one may have been removed since, or another inserted before it.
json::Object to_json(const KeyTimes& key) {
  json::Object out{{"kid", key.kid}, {"state", to_string(key.state)}, {"configured", key.configured}};
  const auto time = [&out](std::string_view name, const std::optional<WallTime>& at) {
    if (at) out[name] = rfc3339(*at);
  };
  time("created", key.created);
  time("active_from", key.active_from);
  time("retired", key.retired);
  time("published_until", key.gone);
  return out;
}

std::vector<KeyTimes> key_times(
    std::string_view configured, std::vector<SigningKeyRow> rows, WallTime now, const KeyRotationPolicy& policy) {
  std::ranges::sort(rows, earlier);
  std::vector<KeyTimes> out;
  out.push_back({.kid = std::string{configured}, .configured = true});
  for (auto& row : rows)
    out.push_back({.kid = std::move(row.kid), .created = row.created, .active_from = row.active_from});
  for (std::size_t i = 0; i < out.size(); ++i) {
    KeyTimes& key = out[i];
    if (i + 1 < out.size()) {
      key.retired = out[i + 1].active_from;
      key.gone = *key.retired + policy.kept();
    }
    if (key.active_from && now < *key.active_from)
      key.state = KeyState::ahead;
    else if (!key.retired || now < *key.retired)
      key.state = KeyState::signing;
    else
      key.state = now < *key.gone ? KeyState::retired : KeyState::over;
  }
  return out;
}

SigningKeyRow make_signing_key(
    const store::SealKey& seal, jose::Algorithm algorithm, WallTime now, Millis publish_for, Entropy& entropy) {
  const jose::Key key = jose::Key::generate(algorithm, entropy);
  return {.kid = key.thumbprint(),
      .sealed_jwk = seal.seal(json::write(key.private_jwk()), about(key.thumbprint()), entropy),
      .created = now,
      .active_from = now + publish_for,
      .retired = {}};
}

Result<bool> check_rotation(bool symmetric, Millis publish_for) {
  if (symmetric) return refuse(Cause::ROTATION_UNSUPPORTED, "tokens are signed with JWT_SECRET_KEY");
  if (publish_for < Millis{0} || publish_for > kLongestPublishAhead)
    return refuse_field(
        Cause::BAD_REQUEST, "publish_for", "a key is published for 0 seconds to 30 days before it signs");
  return true;
}

SigningKeys::SigningKeys(jose::Signer configured, AccountStore& store, store::SealKey seal, KeyRotationPolicy policy,
    Runners runners, const Clock& clock, Entropy& entropy, Log& log)
    : configured_(std::move(configured)),
      store_(store),
      seal_(std::move(seal)),
      policy_(policy),
      runners_(std::make_shared<const Runners>(std::move(runners))),
      clock_(clock),
      entropy_(entropy),
      log_(log) {
  publish();
}

void SigningKeys::start(Completion<bool> ready) {
  runners_->control.post([this, ready = std::move(ready)]() mutable {
    if (!rotates()) return ready(true);
    read([this, ready = std::move(ready)](Result<bool> was_read) mutable {
      if (was_read)
        runners_->control.every(policy_.reread, [this] {
          if (!reading_) read([](Result<bool>) {});
        });
      ready(std::move(was_read));
    });
  });
}

void SigningKeys::watch(OnChange on_change) {
  on_change(key_set_);
  watchers_.push_back(std::move(on_change));
}

const jose::Signer& SigningKeys::signer() const {
  const WallTime now = clock_.wall();
  const jose::Signer* newest = &configured_;
  for (const auto& entry : entries_)
    if (entry.active_from <= now) newest = &entry.signer;
  return *newest;
}

void SigningKeys::read(Completion<bool> done) {
  reading_ = true;
  store_.list_signing_keys(
      [this, runners = runners_, done = std::move(done)](Result<std::vector<SigningKeyRow>> rows) mutable {
    runners->control.post([this, rows = std::move(rows), done = std::move(done)]() mutable {
      reading_ = false;
      if (!rows) {
        if (!failing_)
          log_.error("signing_keys_unreadable", "The signing keys cannot be read; the known ones stay in use.",
              {{"code", rows.error().code()}, {"evidence", rows.error().evidence}});
        failing_ = true;
        return done(std::unexpected(std::move(rows).error()));
      }
      if (failing_) log_.info("signing_keys_readable", "The signing keys can be read again.");
      failing_ = false;
      take(std::move(*rows));
      done(true);
    });
  });
}

void SigningKeys::take(std::vector<SigningKeyRow> rows) {
  std::ranges::sort(rows, earlier);
  std::vector<Entry> entries;
  for (const auto& row : rows) {
    if (const Entry* known = opened(row.kid)) {
      entries.push_back({known->signer, row.active_from});
    } else if (auto entry = open(row)) {
      entries.push_back(std::move(*entry));
    }
  }
  rows_ = std::move(rows);
  entries_ = std::move(entries);
  publish();
}

const SigningKeys::Entry* SigningKeys::opened(const std::string& kid) const {
  const auto found =
      std::ranges::find_if(entries_, [&kid](const Entry& entry) { return entry.signer.key().kid() == kid; });
  return found == entries_.end() ? nullptr : &*found;
}

std::optional<SigningKeys::Entry> SigningKeys::open(const SigningKeyRow& row) {
  const auto signer = [&]() -> Result<jose::Signer> {
    TRY(text, seal_.open(row.sealed_jwk, about(row.kid)));
    TRY(key, jose::Key::parse_jwk(text));
    if (key.symmetric() || key.thumbprint() != row.kid)
      return refuse(Cause::KEY_UNREADABLE, "the key does not match its row");
    return jose::Signer::make(key.with_kid(row.kid));
  }();
  if (signer) return Entry{std::move(*signer), row.active_from};
  if (std::ranges::find(logged_, row.kid) == logged_.end()) {
    logged_.push_back(row.kid);
    log_.error("signing_key_unusable", "A signing key in the store cannot be used; the previous one keeps signing.",
        {{"kid", row.kid}, {"code", signer.error().code()}, {"evidence", signer.error().evidence}});
  }
  return std::nullopt;
}

void SigningKeys::publish() {
  // A key that cannot be opened replaces no other: the one before it stays in use.
  std::vector<SigningKeyRow> usable;
  for (const auto& row : rows_)
    if (opened(row.kid) != nullptr)
      usable.push_back({.kid = row.kid,
          .sealed_jwk = {},
          .created = row.created,
          .active_from = row.active_from,
          .retired = row.retired});
  const auto times = key_times(configured_.key().kid(), std::move(usable), clock_.wall(), policy_);
  std::vector<jose::Key> keys;
  for (const auto& key : times)
    if (key.state != KeyState::over && keys.size() < jose::kMaxKeys)
      keys.push_back(key.configured ? configured_.key() : opened(key.kid)->signer.key());
  for (auto& key : keys) key = key.public_part();
  auto made = jose::KeySet::of(std::move(keys));
  if (!made) {
    log_.error("key_set_unusable", "The signing keys do not form a valid key set; the previous one stays in use.",
        {{"code", made.error().code()}, {"evidence", made.error().evidence}});
    if (key_set_) return;
    made = jose::KeySet::of(configured_.key().public_part());
  }
  remove_over(times);
  if (key_set_ && key_set_->thumbprints() == (*made)->thumbprints()) return;
  key_set_ = std::move(*made);
  jwks_ = key_set_->to_jwks();
  if (watchers_.empty()) return;
  log_.info("key_set_changed", "The published keys have changed.",
      {{"keys", static_cast<std::int64_t>(key_set_->keys().size())}, {"signing", signing_kid()}});
  for (const auto& watcher : watchers_) watcher(key_set_);
}

// A key that seems expired under a wrong clock must still exist when the clock is right.
void SigningKeys::remove_over(const std::vector<KeyTimes>& times) {
  if (!store_.deletes_by_age()) return;
  for (const auto& key : times) {
    if (key.state != KeyState::over || key.configured) continue;
    AuditRow audit{.at = clock_.wall(),
        .action = "key_remove",
        .outcome = "OK",
        .user = {},
        .address = {},
        .ref = {},
        .detail = key.kid + ", over"};
    store_.remove_signing_key(
        key.kid, std::move(audit), [](Result<bool>) {}); // a failure is retried at the next reading
  }
}

void SigningKeys::rotate(Millis publish_for, AuditRow audit, Completion<KeyTimes> done) {
  if (auto fit = check_rotation(!rotates(), publish_for); !fit) return done(std::unexpected(std::move(fit).error()));
  const auto answer = std::make_shared<Completion<KeyTimes>>(std::move(done));
  const bool taken =
      runners_->hashing({.run = [this, runners = runners_, publish_for, audit = std::move(audit), answer]() mutable {
    SigningKeyRow row = make_signing_key(seal_, configured_.key().algorithm(), clock_.wall(), publish_for, entropy_);
    runners->control.post([this, row = std::move(row), audit = std::move(audit), answer]() mutable {
      add(std::move(row), std::move(audit), std::move(*answer));
    });
  }});
  if (!taken)
    (*answer)(std::unexpected(Refusal{
        .cause = Cause::BUSY, .evidence = "the queue for generating keys is full", .retry_after = Millis{2'000}}));
}

void SigningKeys::add(SigningKeyRow row, AuditRow audit, Completion<KeyTimes> done) {
  audit.detail = row.kid;
  std::string kid = row.kid;
  store_.add_signing_key(std::move(row), std::move(audit),
      [this, runners = runners_, kid = std::move(kid), done = std::move(done)](Result<bool> added) mutable {
    runners->control.post([this, kid = std::move(kid), added = std::move(added), done = std::move(done)]() mutable {
      if (!added) return done(std::unexpected(std::move(added).error()));
      list([kid = std::move(kid), done = std::move(done)](Result<std::vector<KeyTimes>> all) mutable {
        if (!all) return done(std::unexpected(std::move(all).error()));
        const auto found = std::ranges::find(*all, kid, &KeyTimes::kid);
        if (found == all->end()) return done(refuse(Cause::STORE_FAILED, "the new key is not in the store"));
        done(std::move(*found));
      });
    });
  });
}

void SigningKeys::list(Completion<std::vector<KeyTimes>> done) {
  if (!rotates()) return done(key_times(configured_.key().kid(), {}, clock_.wall(), policy_));
  read([this, done = std::move(done)](Result<bool> was_read) mutable {
    if (!was_read) return done(std::unexpected(std::move(was_read).error()));
    done(key_times(configured_.key().kid(), rows_, clock_.wall(), policy_));
  });
}

} // namespace foyer::accounts
