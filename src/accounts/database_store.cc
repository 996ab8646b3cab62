#include "accounts/database_store.h"

#include <utility>

#include "accounts/queries.h"
#include "store/reader.h"
#include "store/writer.h"

namespace foyer::accounts {
namespace {

using store::Database;

class DatabaseStore final : public AccountStore {
 public:
  DatabaseStore(std::unique_ptr<store::Writer> writer, std::unique_ptr<store::Reader> reader, std::string key, std::string stream)
      : key_(std::move(key)), stream_(std::move(stream)), writer_(std::move(writer)), reader_(std::move(reader)) {}

  const std::string& refresh_key() const override { return key_; }
  const std::string& stream() const override { return stream_; }

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
  void find_refresh(std::string hash, Done<std::optional<RefreshTokenInfo>> done) override {
    reader_->submit<std::optional<RefreshTokenInfo>>([hash = std::move(hash)](Database& db) { return sql::find_refresh(db, hash); }, std::move(done));
  }
  void revoke_token(TokenId token, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([token = std::move(token), audit = std::move(audit)](Database& db) { return sql::revoke_token(db, token, audit); }, std::move(done));
  }
  void revoke_before(UserId user, WallTime at, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), at, audit = std::move(audit)](Database& db) { return sql::revoke_before(db, user, at, audit); }, std::move(done));
  }
  void token_revoked(TokenId token, Done<bool> done) override {
    reader_->submit<bool>([token = std::move(token)](Database& db) { return sql::token_revoked(db, token); }, std::move(done));
  }
  void find_second_factor(UserId user, Done<std::optional<SecondFactorRow>> done) override {
    reader_->submit<std::optional<SecondFactorRow>>([user = std::move(user)](Database& db) { return sql::find_second_factor(db, user); }, std::move(done));
  }
  void put_second_factor(SecondFactorRow row, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) { return sql::put_second_factor(db, row, audit); }, std::move(done));
  }
  void use_second_factor(UserId user, std::int64_t step, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), step](Database& db) { return sql::use_second_factor(db, user, step); }, std::move(done));
  }
  void use_recovery_code(UserId user, std::string digest, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), digest = std::move(digest), audit = std::move(audit)](Database& db) { return sql::use_recovery_code(db, user, digest, audit); }, std::move(done));
  }
  void remove_second_factor(UserId user, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([user = std::move(user), audit = std::move(audit)](Database& db) { return sql::remove_second_factor(db, user, audit); }, std::move(done));
  }
  void list_services(Done<std::vector<ServiceRow>> done) override {
    reader_->submit<std::vector<ServiceRow>>([](Database& db) { return sql::list_services(db); }, std::move(done));
  }
  void find_service(std::string id, Done<std::optional<ServiceRow>> done) override {
    reader_->submit<std::optional<ServiceRow>>([id = std::move(id)](Database& db) { return sql::find_service(db, id); }, std::move(done));
  }
  void add_service(ServiceRow row, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) { return sql::add_service(db, row, audit); }, std::move(done));
  }
  void change_service(ServiceRow row, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) { return sql::change_service(db, row, audit); }, std::move(done));
  }
  void list_signing_keys(Done<std::vector<SigningKeyRow>> done) override {
    reader_->submit<std::vector<SigningKeyRow>>([](Database& db) { return sql::list_signing_keys(db); }, std::move(done));
  }
  void add_signing_key(SigningKeyRow row, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([row = std::move(row), audit = std::move(audit)](Database& db) { return sql::add_signing_key(db, row, audit); }, std::move(done));
  }
  void remove_signing_key(std::string kid, AuditRow audit, Done<bool> done) override {
    writer_->submit<bool>([kid = std::move(kid), audit = std::move(audit)](Database& db) { return sql::remove_signing_key(db, kid, audit); }, std::move(done));
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
  const std::string stream_;
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Reader> reader_;
};

} // namespace

Result<std::unique_ptr<AccountStore>> open_database_store(store::Opener writing, store::Opener reading, DatabaseStoreOptions options, const Clock& clock, Entropy& entropy,
                                                          Metrics& metrics, Log& log) {
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
  hooks.upkeep = [options, &clock](Database& db) {
    const WallTime now = clock.wall();
    return sql::forget(db, {.audit = now - options.keep_audit, .ended = now - options.keep_ended, .revocations = now - options.keep_revocations});
  };
  store::WriterOptions writer_options{.name = "accounts", .queue_limit = options.queue_limit, .watch_every = options.watch_every, .entropy = &entropy, .executor = options.executor};
  TRY(writer, store::Writer::open(std::move(writing), std::move(writer_options), std::move(hooks), clock, metrics, log));
  store::ReaderOptions reader_options{.name = "accounts", .connections = options.readers, .queue_limit = options.queue_limit, .entropy = &entropy, .executor = options.executor};
  TRY(reader, store::Reader::open(std::move(reading), std::move(reader_options), clock, metrics, log));
  return std::make_unique<DatabaseStore>(std::move(writer), std::move(reader), *key, *stream);
}

} // namespace foyer::accounts
