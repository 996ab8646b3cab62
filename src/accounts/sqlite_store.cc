#include "accounts/sqlite_store.h"

#include <utility>

#include "accounts/sqlite_queries.h"
#include "accounts/sqlite_schema.h"
#include "store/reader.h"

namespace foyer::accounts {
namespace {

using store::Database;

class SqliteStore final : public AccountStore {
 public:
  SqliteStore(std::unique_ptr<store::Writer> writer, std::unique_ptr<store::Reader> reader, std::string key)
      : key_(std::move(key)), writer_(std::move(writer)), reader_(std::move(reader)) {}

  const std::string& refresh_key() const override { return key_; }

  void create_user(UserRow user, std::optional<std::string> invitation_hash, std::optional<NewSession> session, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), invitation_hash = std::move(invitation_hash), session = std::move(session), audit = std::move(audit)](Database& db) {
      return sql::create_user(db, user, invitation_hash, session, audit);
    }, std::move(done));
  }
  void find_user_by_name(std::string name_key, Done<std::optional<UserRow>> done) override {
    reader_->submit<std::optional<UserRow>>([key = std::move(name_key)](Database& db) { return sql::find_user_by_name(db, key); }, std::move(done));
  }
  void list_users(Done<std::vector<UserListing>> done) override {
    reader_->submit<std::vector<UserListing>>([](Database& db) { return sql::list_users(db); }, std::move(done));
  }
  void password_costs(Done<std::vector<std::string>> done) override {
    reader_->submit<std::vector<std::string>>([](Database& db) { return sql::password_costs(db); }, std::move(done));
  }
  void open_session(NewSession session, std::optional<std::string> rehashed, std::size_t limit, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([session = std::move(session), rehashed = std::move(rehashed), limit, audit = std::move(audit)](Database& db) {
      return sql::open_session(db, session, rehashed, limit, audit);
    }, std::move(done));
  }
  void find_session(SessionId session, Done<std::optional<SessionAndUser>> done) override {
    reader_->submit<std::optional<SessionAndUser>>([session = std::move(session)](Database& db) { return sql::find_session(db, session); }, std::move(done));
  }
  void find_session_by_cookie(std::string cookie_hash, Done<std::optional<SessionAndUser>> done) override {
    reader_->submit<std::optional<SessionAndUser>>([hash = std::move(cookie_hash)](Database& db) { return sql::find_session_by_cookie(db, hash); }, std::move(done));
  }
  void touch_session(SessionId session, WallTime now, Done<bool> done) override {
    writer_->submit<bool>([session = std::move(session), now](Database& db) { return sql::touch_session(db, session, now); }, std::move(done));
  }
  void sessions_of(UserId user, Done<std::vector<SessionRow>> done) override {
    reader_->submit<std::vector<SessionRow>>([user = std::move(user)](Database& db) { return sql::sessions_of(db, user); }, std::move(done));
  }
  void refresh(RefreshQuestion question, Done<RefreshOutcome> done) override {
    writer_->submit<RefreshOutcome>([question = std::move(question)](Database& db) { return sql::refresh(db, question); }, std::move(done));
  }
  void end_session(UserId user, SessionId session, SessionEnd why, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), session = std::move(session), why, audit = std::move(audit)](Database& db) { return sql::end_session(db, user, session, why, audit); },
                          std::move(done));
  }
  void end_sessions(UserId user, std::optional<SessionId> but, SessionEnd why, AuditRow audit, Done<std::size_t> done) override {
    writer_->submit<std::size_t>([user = std::move(user), but = std::move(but), why, audit = std::move(audit)](Database& db) { return sql::end_sessions(db, user, but, why, audit); },
                                 std::move(done));
  }
  void set_password(UserId user, std::string phc, std::optional<SessionId> keep, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), phc = std::move(phc), keep = std::move(keep), audit = std::move(audit)](Database& db) {
      return sql::set_password(db, user, phc, keep, audit);
    }, std::move(done));
  }
  void set_disabled(UserId user, bool disabled, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), disabled, audit = std::move(audit)](Database& db) { return sql::set_disabled(db, user, disabled, audit); }, std::move(done));
  }
  void delete_user(UserId user, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), audit = std::move(audit)](Database& db) { return sql::delete_user(db, user, audit); }, std::move(done));
  }
  void add_invitation(InvitationRow invitation, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([invitation = std::move(invitation), audit = std::move(audit)](Database& db) { return sql::add_invitation(db, invitation, audit); }, std::move(done));
  }
  void revocations_after(std::int64_t cursor, std::size_t limit, Done<RevocationPage> done) override {
    reader_->submit<RevocationPage>([cursor, limit](Database& db) { return sql::revocations_after(db, cursor, limit); }, std::move(done));
  }
  void append_audit(std::vector<AuditRow> rows, Done<bool> done) override {
    writer_->submit<bool>([rows = std::move(rows)](Database& db) { return sql::append_audit(db, rows); }, std::move(done));
  }
  void audit(std::size_t limit, Done<std::vector<AuditRow>> done) override {
    reader_->submit<std::vector<AuditRow>>([limit](Database& db) { return sql::audit(db, limit); }, std::move(done));
  }
  Result<bool> probe() override { return writer_->probe(); }

 private:
  const std::string key_;
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Reader> reader_;
};

} // namespace

Result<std::unique_ptr<AccountStore>> open_sqlite_store(const std::string& path, SqliteStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  std::string candidate(32, '\0');
  entropy.fill(std::as_writable_bytes(std::span{candidate}));
  const auto key = std::make_shared<std::string>();
  store::WriterOptions writing{.name = "accounts", .database = options.database, .queue_limit = options.queue_limit, .executor = options.executor};
  store::WriterHooks hooks;
  hooks.opened = [key, candidate](Database& db) -> Result<void> {
    TRY(kept, sql::secret(db, "refresh_key", candidate));
    *key = std::move(kept);
    return {};
  };
  hooks.upkeep = [options, &clock](Database& db) {
    const WallTime now = clock.wall();
    return sql::forget(db, {.audit = now - options.keep_audit, .ended = now - options.keep_ended, .revocations = now - options.keep_revocations});
  };
  TRY(writer, store::Writer::open(path, kMigrations, std::move(writing), std::move(hooks), clock, metrics, log));
  store::ReaderOptions reading{.name = "accounts", .database = options.database, .queue_limit = options.queue_limit, .executor = options.executor};
  TRY(reader, store::Reader::open(path, std::move(reading), metrics, log));
  return std::make_unique<SqliteStore>(std::move(writer), std::move(reader), *key);
}

} // namespace foyer::accounts
