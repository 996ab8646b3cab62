#include "accounts/sql/database_store.h"

#include <utility>

#include "accounts/sql/queries.h"
#include "store/reader.h"
#include "store/writer.h"

namespace foyer::accounts {
namespace {

using store::Database;

constexpr store::AgeQueries kAgeQueries{.believed = "SELECT value FROM account_facts WHERE name = 'clock_believed'",
    .believe =
        "INSERT INTO account_facts (name, value) VALUES ('clock_believed', ?) ON CONFLICT (name) DO UPDATE SET value = "
        "excluded.value",
    .newest =
        "SELECT max(t) FROM (SELECT max(at) AS t FROM audit UNION ALL SELECT max(last_seen) AS t FROM sessions) AS "
        "newest"};

// Deletes rows past their age limit, a batch at a time, while the gate is open.
class Forgetting {
 public:
  Forgetting(const DatabaseStoreOptions& options, const Clock& clock, Log& log)
      : keep_audit_(options.keep_audit),
        keep_refusals_(options.keep_refusals),
        keep_ended_(options.keep_ended),
        keep_revocations_(options.keep_revocations),
        clock_(clock),
        gate_("accounts", kAgeQueries, clock, log, options.compares_server_clock) {}

  Result<bool> step(Database& db) {
    TRY(turn, gate_.turn(db));
    if (!turn.round) return false;
    if (!turn.by_age) return over();
    const WallTime now = clock_.wall();
    const sql::Horizons horizons{.audit = now - keep_audit_,
        .refusals = now - keep_refusals_,
        .ended = now - keep_ended_,
        .revocations = now - keep_revocations_};
    TRY(old, sql::count_old(db, horizons));
    if (old.all() == 0) return over();
    gate_.deleting({{"store", "accounts"}, {"now", rfc3339(now)}, {"sessions", old.sessions},
        {"refresh_tokens", old.refresh_tokens}, {"audit", old.audit}, {"revocations", old.revocations},
        {"invitations", old.invitations}});
    TRY(rows, sql::forget(db, horizons));
    gate_.deleted(rows);
    return true; // until none is left
  }
  store::AgeGate& gate() { return gate_; }

 private:
  bool over() {
    gate_.round_is_over();
    return false;
  }

  const Millis keep_audit_, keep_refusals_, keep_ended_, keep_revocations_;
  const Clock& clock_;
  store::AgeGate gate_;
};

// Refusals that strangers cause are limited by number, independent of the clock.
class RefusalBound {
 public:
  explicit RefusalBound(std::size_t most) : most_(most) {}
  Result<void> before_commit(Database& db) {
    // Counting costs time in proportion to the rows: done once per so many new ones.
    TRY(rows, db.query("SELECT max(number) FROM audit"));
    TRY(found, rows.step());
    const std::int64_t newest = found && !rows.is_null(0) ? rows.integer(0) : 0;
    if (looked_ && newest < *looked_ + kLookAfter) return {};
    looked_ = newest;
    TRY_VOID(sql::bound_refusals(db, most_));
    return {};
  }

 private:
  static constexpr std::int64_t kLookAfter = 1'000; // new rows
  const std::size_t most_;
  std::optional<std::int64_t> looked_;
};

class DatabaseStore final : public AccountStore {
 public:
  DatabaseStore(std::unique_ptr<store::Writer> writer, std::unique_ptr<store::Reader> reader,
      std::shared_ptr<Forgetting> forgetting, std::string key, std::string stream)
      : key_(std::move(key)),
        stream_(std::move(stream)),
        forgetting_(std::move(forgetting)),
        writer_(std::move(writer)),
        reader_(std::move(reader)) {}

  const std::string& refresh_key() const override { return key_; }
  const std::string& stream() const override { return stream_; }

  void create_user(UserRow user, std::optional<std::string> invitation_hash, std::optional<NewSession> session,
      AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), invitation_hash = std::move(invitation_hash),
                              session = std::move(session), audit = std::move(audit)](
                              Database& db) { return sql::create_user(db, user, invitation_hash, session, audit); },
        std::move(done));
  }
  void find_user_by_name(std::string name_key, Completion<std::optional<UserRow>> done) override {
    reader_->submit<std::optional<UserRow>>(
        [key = std::move(name_key)](Database& db) { return sql::find_user_by_name(db, key); }, std::move(done));
  }
  void find_user(UserId id, Completion<std::optional<UserRow>> done) override {
    reader_->submit<std::optional<UserRow>>(
        [id = std::move(id)](Database& db) { return sql::find_user(db, id); }, std::move(done));
  }
  void list_users(Completion<std::vector<UserListing>> done) override {
    reader_->submit<std::vector<UserListing>>([](Database& db) { return sql::list_users(db); }, std::move(done));
  }
  void password_costs(Completion<std::vector<std::string>> done) override {
    reader_->submit<std::vector<std::string>>([](Database& db) { return sql::password_costs(db); }, std::move(done));
  }
  void open_session(NewSession session, std::optional<std::string> rehashed, std::size_t limit, AuditRow audit,
      Completion<bool> done) override {
    writer_->submit<bool>(
        [session = std::move(session), rehashed = std::move(rehashed), limit, audit = std::move(audit)](Database& db) {
      return sql::open_session(db, session, rehashed, limit, audit);
    }, std::move(done));
  }
  void find_session(SessionId session, Completion<std::optional<SessionAndUser>> done) override {
    reader_->submit<std::optional<SessionAndUser>>(
        [session = std::move(session)](Database& db) { return sql::find_session(db, session); }, std::move(done));
  }
  void find_session_by_cookie(std::string cookie_hash, Completion<std::optional<SessionAndUser>> done) override {
    reader_->submit<std::optional<SessionAndUser>>([hash = std::move(cookie_hash)](Database& db) {
      return sql::find_session_by_cookie(db, hash);
    }, std::move(done));
  }
  void touch_session(SessionId session, WallTime now, Completion<bool> done) override {
    writer_->submit<bool>([session = std::move(session), now](Database& db) {
      return sql::touch_session(db, session, now);
    }, std::move(done));
  }
  void sessions_of(UserId user, Completion<std::vector<SessionRow>> done) override {
    reader_->submit<std::vector<SessionRow>>(
        [user = std::move(user)](Database& db) { return sql::sessions_of(db, user); }, std::move(done));
  }
  void refresh(RefreshRequest question, Completion<RefreshOutcome> done) override {
    writer_->submit<RefreshOutcome>(
        [question = std::move(question)](Database& db) { return sql::refresh(db, question); }, std::move(done));
  }
  void end_session(UserId user, SessionId session, SessionEnd why, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), session = std::move(session), why, audit = std::move(audit)](
                              Database& db) { return sql::end_session(db, user, session, why, audit); },
        std::move(done));
  }
  void end_sessions(UserId user, std::optional<SessionId> but, SessionEnd why, AuditRow audit,
      Completion<std::size_t> done) override {
    writer_->submit<std::size_t>([user = std::move(user), but = std::move(but), why, audit = std::move(audit)](
                                     Database& db) { return sql::end_sessions(db, user, but, why, audit); },
        std::move(done));
  }
  void set_password(
      UserId user, std::string phc, std::optional<SessionId> keep, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>(
        [user = std::move(user), phc = std::move(phc), keep = std::move(keep), audit = std::move(audit)](Database& db) {
      return sql::set_password(db, user, phc, keep, audit);
    }, std::move(done));
  }
  void set_disabled(UserId user, bool disabled, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), disabled, audit = std::move(audit)](Database& db) {
      return sql::set_disabled(db, user, disabled, audit);
    }, std::move(done));
  }
  void delete_user(UserId user, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), audit = std::move(audit)](Database& db) {
      return sql::delete_user(db, user, audit);
    }, std::move(done));
  }
  void invitation_lives(std::string hash, WallTime now, Completion<bool> done) override {
    reader_->submit<bool>(
        [hash = std::move(hash), now](Database& db) { return sql::invitation_lives(db, hash, now); }, std::move(done));
  }
  void add_invitation(InvitationRow invitation, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([invitation = std::move(invitation), audit = std::move(audit)](Database& db) {
      return sql::add_invitation(db, invitation, audit);
    }, std::move(done));
  }
  void find_refresh(std::string hash, Completion<std::optional<RefreshTokenInfo>> done) override {
    reader_->submit<std::optional<RefreshTokenInfo>>(
        [hash = std::move(hash)](Database& db) { return sql::find_refresh(db, hash); }, std::move(done));
  }
  void revoke_token(TokenId token, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([token = std::move(token), audit = std::move(audit)](Database& db) {
      return sql::revoke_token(db, token, audit);
    }, std::move(done));
  }
  void revoke_before(UserId user, WallTime at, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), at, audit = std::move(audit)](Database& db) {
      return sql::revoke_before(db, user, at, audit);
    }, std::move(done));
  }
  void token_revoked(TokenId token, Completion<bool> done) override {
    reader_->submit<bool>(
        [token = std::move(token)](Database& db) { return sql::token_revoked(db, token); }, std::move(done));
  }
  void find_second_factor(UserId user, Completion<std::optional<SecondFactorRow>> done) override {
    reader_->submit<std::optional<SecondFactorRow>>(
        [user = std::move(user)](Database& db) { return sql::find_second_factor(db, user); }, std::move(done));
  }
  void put_second_factor(SecondFactorRow row, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) {
      return sql::put_second_factor(db, row, audit);
    }, std::move(done));
  }
  void use_second_factor(UserId user, std::int64_t step, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), step](Database& db) {
      return sql::use_second_factor(db, user, step);
    }, std::move(done));
  }
  void use_recovery_code(UserId user, std::string digest, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), digest = std::move(digest), audit = std::move(audit)](Database& db) {
      return sql::use_recovery_code(db, user, digest, audit);
    }, std::move(done));
  }
  void remove_second_factor(UserId user, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([user = std::move(user), audit = std::move(audit)](Database& db) {
      return sql::remove_second_factor(db, user, audit);
    }, std::move(done));
  }
  void list_services(Completion<std::vector<ServiceRow>> done) override {
    reader_->submit<std::vector<ServiceRow>>([](Database& db) { return sql::list_services(db); }, std::move(done));
  }
  void find_service(std::string id, Completion<std::optional<ServiceRow>> done) override {
    reader_->submit<std::optional<ServiceRow>>(
        [id = std::move(id)](Database& db) { return sql::find_service(db, id); }, std::move(done));
  }
  void add_service(ServiceRow row, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) {
      return sql::add_service(db, row, audit);
    }, std::move(done));
  }
  void change_service(ServiceRow row, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) {
      return sql::change_service(db, row, audit);
    }, std::move(done));
  }
  void list_signing_keys(Completion<std::vector<SigningKeyRow>> done) override {
    reader_->submit<std::vector<SigningKeyRow>>(
        [](Database& db) { return sql::list_signing_keys(db); }, std::move(done));
  }
  void add_signing_key(SigningKeyRow row, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) {
      return sql::add_signing_key(db, row, audit);
    }, std::move(done));
  }
  void remove_signing_key(std::string kid, AuditRow audit, Completion<bool> done) override {
    writer_->submit<bool>([kid = std::move(kid), audit = std::move(audit)](Database& db) {
      return sql::remove_signing_key(db, kid, audit);
    }, std::move(done));
  }
  void revocations_after(std::int64_t cursor, std::size_t limit, Completion<RevocationPage> done) override {
    reader_->submit<RevocationPage>(
        [cursor, limit](Database& db) { return sql::revocations_after(db, cursor, limit); }, std::move(done));
  }
  void settle_revocations(std::int64_t from, std::int64_t to, WallTime now, Completion<bool> done) override {
    writer_->submit<bool>(
        [from, to, now](Database& db) { return sql::settle_revocations(db, from, to, now); }, std::move(done));
  }
  void append_audit(std::vector<AuditRow> rows, Completion<bool> done) override {
    writer_->submit<bool>(
        [rows = std::move(rows)](Database& db) { return sql::append_audit(db, rows); }, std::move(done));
  }
  void audit(std::size_t limit, Completion<std::vector<AuditRow>> done) override {
    reader_->submit<std::vector<AuditRow>>([limit](Database& db) { return sql::audit(db, limit); }, std::move(done));
  }
  store::UpkeepState upkeep_state() const override { return forgetting_->gate().state(); }
  bool deletes_by_age() const override { return forgetting_->gate().open(); }
  void upkeep_now() override {
    forgetting_->gate().believe();
    forgetting_->gate().ask_round();
    writer_->start_upkeep();
  }
  Result<bool> probe() override { return writer_->probe(); }

 private:
  const std::string key_;
  const std::string stream_;
  const std::shared_ptr<Forgetting> forgetting_; // used by the writer's thread, except for its gate
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Reader> reader_;
};

} // namespace

Result<std::unique_ptr<AccountStore>> open_database_store(store::Opener writing, store::Opener reading,
    DatabaseStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  std::string candidate(32, '\0');
  entropy.fill(std::as_writable_bytes(std::span{candidate}));
  const std::string stream_candidate = entropy.token();
  const auto key = std::make_shared<std::string>();
  const auto stream = std::make_shared<std::string>();
  store::WriterHooks hooks;
  hooks.opened = [key, candidate, stream, stream_candidate](Database& db) -> Result<void> {
    TRY(kept, sql::secret(db, "refresh_key", candidate));
    *key = std::move(kept);
    TRY(name, sql::secret(db, "stream", stream_candidate));
    *stream = std::move(name);
    return {};
  };
  const auto forgetting = std::make_shared<Forgetting>(options, clock, log);
  if (options.forgets) hooks.upkeep = [forgetting](Database& db) { return forgetting->step(db); };
  hooks.before_commit = [bound = std::make_shared<RefusalBound>(options.audit_refusals)](
                            Database& db) { return bound->before_commit(db); };
  const auto reached = std::make_shared<store::Reached>();
  store::WriterOptions writer_options{.name = "accounts",
      .queue_limit = options.queue_limit,
      .upkeep_every = store::AgeGate::kLookEvery,
      .watch_every = options.watch_every,
      .entropy = &entropy,
      .reached = reached,
      .executor = options.executor};
  TRY(writer,
      store::Writer::open(std::move(writing), std::move(writer_options), std::move(hooks), clock, metrics, log));
  if (options.forgets) writer->start_upkeep(); // so that a wrong clock is noticed at startup
  store::ReaderOptions reader_options{.name = "accounts",
      .connections = options.readers,
      .queue_limit = options.queue_limit,
      .entropy = &entropy,
      .reached = reached,
      .executor = options.executor};
  TRY(reader, store::Reader::open(std::move(reading), std::move(reader_options), clock, metrics, log));
  return std::make_unique<DatabaseStore>(std::move(writer), std::move(reader), forgetting, *key, *stream);
}

} // namespace foyer::accounts
