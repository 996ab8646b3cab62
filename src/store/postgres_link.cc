#include "store/postgres_link.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/bytes.h"
#include "store/postgres_text.h"

namespace foyer::store {
namespace {

using std::chrono::steady_clock;

constexpr Millis kRetryAfter{1'000};
constexpr Millis kIdleInTransaction{5'000}; // a process that was stopped does not hold its locks any longer
constexpr std::size_t kWords = 300;         // of server text, in evidence

std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c == '\n' || c == '\t' ? ' ' : c;
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return printable(out, kWords);
}

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view{} : std::string_view(text);
}

bool is_good(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY: return true;
    default: return false;
  }
}

// The URL's target, without user and password; several hosts as written.
std::string place_of(const PQconninfoOption* options) {
  std::string host;
  std::string port;
  std::string database;
  for (const auto* option = options; option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    const std::string value = option->val == nullptr ? "" : option->val;
    if (keyword == "host" || (keyword == "hostaddr" && host.empty()))
      host = value.empty() ? host : value;
    else if (keyword == "port")
      port = value;
    else if (keyword == "dbname")
      database = value;
  }
  if (host.empty()) host = "the local socket";
  return printable(fmt::format("PostgreSQL {} at {}{}{}", database, host, port.empty() ? "" : ":", port), 200);
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// Keepalives, so that both sides notice sockets of a dead peer.
constexpr const char* kKeepalive[][2] = {{"keepalives", "1"}, {"keepalives_idle", "5"}, {"keepalives_interval", "2"},
    {"keepalives_count", "3"}, {"tcp_user_timeout", "10000"}};
constexpr std::string_view kServerKeepalive =
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET tcp_user_timeout "
    "= 10000;";

} // namespace

void ClearResult::operator()(pg_result* result) const { PQclear(result); }

struct PgLink::Deadline {
  steady_clock::time_point end;
  explicit Deadline(Millis timeout) : end(steady_clock::now() + timeout) {}
  [[nodiscard]] int left() const {
    return static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<Millis>(end - steady_clock::now()).count()));
  }
};

Result<std::unique_ptr<PgLink>> PgLink::connect(const PostgresOptions& options, PostgresUse use) {
  // libpq quotes a URL that it cannot parse, so its message is not shown.
  const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(PQconninfoParse(options.url.c_str(), nullptr));
  if (!parsed) return refuse(Cause::DATABASE_UNREACHABLE, "DATABASE_URL is not a valid PostgreSQL connection URL");
  bool several = false;
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option)
    several = several ||
        (std::string_view(option->keyword).starts_with("host") && option->val != nullptr &&
            std::string_view(option->val).find(',') != std::string_view::npos);

  // A repeated keyword overrides the earlier one: defaults, the URL's, then fixed values.
  std::vector<const char*> keys;
  std::vector<const char*> values;
  const auto set = [&](const char* key, const char* value) {
    keys.push_back(key);
    values.push_back(value);
  };
  const std::string connect_timeout = fmt::format(
      "{}", std::max<std::int64_t>(2, std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count()));
  set("connect_timeout", connect_timeout.c_str());
  for (const auto& [key, value] : kKeepalive) set(key, value);
  set("dbname", options.url.c_str());
  set("application_name", "foyer");
  set("client_encoding", "UTF8");
  if (use == PostgresUse::write || several) set("target_session_attrs", "read-write");
  keys.push_back(nullptr);
  values.push_back(nullptr);

  const std::string name = place_of(parsed.get());
  PGconn* handle = PQconnectdbParams(keys.data(), values.data(), 1);
  if (handle == nullptr)
    return refuse(Cause::DATABASE_UNREACHABLE, fmt::format("{}: no memory for a connection", name));
  std::unique_ptr<PgLink> link(new PgLink(handle, name));
  if (PQstatus(handle) != CONNECTION_OK) {
    const std::string words = one_line(PQerrorMessage(handle));
    const bool standby = words.find("session is read-only") != std::string::npos ||
        words.find("in hot standby mode") != std::string::npos;
    return std::unexpected(Refusal{.cause = standby ? Cause::STORE_READ_ONLY : Cause::DATABASE_UNREACHABLE,
        .evidence = fmt::format("{}: {}", name, words),
        .retry_after = kRetryAfter});
  }
  // Notices would go to stderr.
  PQsetNoticeReceiver(handle, [](void* self, const PGresult* notice) {
    if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) == "FATAL")
      static_cast<PgLink*>(self)->last_words_ = fmt::format(
          "{} (SQLSTATE {})", one_line(field(notice, PG_DIAG_MESSAGE_PRIMARY)), field(notice, PG_DIAG_SQLSTATE));
  }, link.get());
  PQsetnonblocking(handle, 1);
  TRY_VOID(link->script(
      fmt::format(
          "SET search_path = foyer; SET statement_timeout = {}; SET lock_timeout = {}; SET "
          "idle_in_transaction_session_timeout = {}; SET standard_conforming_strings = on; {}"
          // An idle session must not end, since that would release the ownership of the chat (PostgreSQL 14 and later).
          "SELECT set_config('idle_session_timeout', '0', false) FROM pg_settings WHERE name = 'idle_session_timeout';"
          // Acknowledged changes must survive a crash of the server, whatever its default is.
          "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
          options.statement_timeout.count(), options.lock_timeout.count(), kIdleInTransaction.count(),
          kServerKeepalive),
      options.answer_timeout));
  if (PQenterPipelineMode(handle) != 1) return refuse(Cause::STORE_FAILED, fmt::format("{}: no pipeline", name));
  return link;
}

PgLink::~PgLink() { PQfinish(connection_); }

Result<bool> PgLink::await_notification(Millis at_most, int wake) {
  if (lost_) return std::unexpected(*lost_);
  const Deadline deadline(at_most);
  for (;;) {
    bool notified = false;
    for (PGnotify* one = PQnotifies(connection_); one != nullptr; one = PQnotifies(connection_)) {
      notified = notified || one->be_pid != PQbackendPID(connection_);
      PQfreemem(one);
    }
    if (notified) return true;
    std::array<pollfd, 2> ready{
        {{.fd = PQsocket(connection_), .events = POLLIN, .revents = 0}, {.fd = wake, .events = POLLIN, .revents = 0}}};
    const int count = ::poll(ready.data(), ready.size(), deadline.left());
    if (count == 0 || (count < 0 && errno != EINTR)) return false;
    if (ready[0].revents != 0 && PQconsumeInput(connection_) == 0)
      return std::unexpected(lose(one_line(PQerrorMessage(connection_))));
    if (ready[1].revents != 0) return false;
  }
}

PgLink::State PgLink::state() const {
  if (lost_ || PQstatus(connection_) != CONNECTION_OK) return State::lost;
  switch (PQtransactionStatus(connection_)) {
    case PQTRANS_INTRANS: return State::in_transaction;
    case PQTRANS_INERROR: return State::failed_transaction;
    case PQTRANS_UNKNOWN: return State::lost;
    default: return State::idle;
  }
}

Refusal PgLink::lose(std::string why) {
  if (!lost_) {
    std::string evidence = fmt::format("{}: {}", name_, why);
    if (!last_words_.empty()) evidence += "; " + last_words_;
    lost_ = Refusal{.cause = Cause::DATABASE_UNREACHABLE, .evidence = std::move(evidence), .retry_after = kRetryAfter};
  }
  return *lost_;
}

Refusal PgLink::refusal(const pg_result* result) {
  const std::string_view state = result == nullptr ? std::string_view{} : field(result, PG_DIAG_SQLSTATE);
  const Cause cause = cause_of_sqlstate(state);
  if (state.empty())
    return lose(
        PQstatus(connection_) == CONNECTION_OK ? "an answer is missing" : one_line(PQerrorMessage(connection_)));
  lost_race_ = is_lost_race(state);
  stale_ = stale_ || state == "0A000" || cause == Cause::POOLER_UNSUITABLE;
  const std::string words =
      quotes_a_value(state) ? "a value does not fit" : one_line(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (cause == Cause::DATABASE_UNREACHABLE) return lose(fmt::format("{} (SQLSTATE {})", words, state));
  return Refusal{
      .cause = cause, .evidence = fmt::format("{}: {} (SQLSTATE {})", name_, words, state), .retry_after = kRetryAfter};
}

bool PgLink::flush(const Deadline& deadline) {
  for (;;) {
    const int left = PQflush(connection_);
    if (left <= 0) return left == 0;
    // The server may be waiting for us to read its answers before it reads on.
    pollfd ready{.fd = PQsocket(connection_), .events = POLLIN | POLLOUT, .revents = 0};
    const int count = ::poll(&ready, 1, deadline.left());
    if (count == 0 || (count < 0 && errno != EINTR)) return false;
    if ((ready.revents & POLLIN) != 0 && PQconsumeInput(connection_) == 0) return false;
  }
}

bool PgLink::await(const Deadline& deadline) {
  while (PQisBusy(connection_) == 1) {
    pollfd ready{.fd = PQsocket(connection_), .events = POLLIN, .revents = 0};
    const int count = ::poll(&ready, 1, deadline.left());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    // A failure here shows in the result: what the server sent before it closed is still in the buffer.
    if (PQconsumeInput(connection_) == 0 && PQisBusy(connection_) == 1) return false;
  }
  return true;
}

Result<PgResult> PgLink::exchange(std::span<const PgMessage> messages, Millis timeout, std::size_t& done) {
  done = 0;
  if (lost_) return std::unexpected(*lost_);
  const Deadline deadline(timeout);
  bool sent = true;
  for (const auto& m : messages) {
    const int count = static_cast<int>(m.parameters.size());
    switch (m.kind) {
      case PgMessage::Kind::text:
        sent = sent && PQsendQueryParams(connection_, m.text, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
        break;
      case PgMessage::Kind::prepare: sent = sent && PQsendPrepare(connection_, m.name, m.text, 0, nullptr) == 1; break;
      case PgMessage::Kind::execute:
        sent = sent && PQsendQueryPrepared(connection_, m.name, count, m.parameters.data(), nullptr, nullptr, 0) == 1;
        break;
    }
  }
  sent = sent && PQpipelineSync(connection_) == 1;
  const auto gone = [&] {
    return std::unexpected(
        lose(PQstatus(connection_) == CONNECTION_OK ? fmt::format("no answer in {} ms", timeout.count())
                                                    : one_line(PQerrorMessage(connection_))));
  };
  if (!sent) return gone();
  (void)flush(deadline); // if the connection broke meanwhile, what the server sent before is read below
  PgResult last;
  std::optional<Refusal> failure;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!await(deadline)) return gone();
    PgResult result(PQgetResult(connection_));
    if (!result) return gone();
    if (is_good(result.get())) {
      if (!failure) ++done;
      last = std::move(result);
    } else if (!failure && PQresultStatus(result.get()) != PGRES_PIPELINE_ABORTED) {
      failure = refusal(result.get());
    }
    if (lost_) return std::unexpected(*lost_);
    if (!await(deadline)) return gone();
    const PgResult end(PQgetResult(connection_)); // of this message
  }
  if (!await(deadline)) return gone();
  const PgResult synced(PQgetResult(connection_));
  if (!synced || PQresultStatus(synced.get()) != PGRES_PIPELINE_SYNC) return gone();
  if (failure) return std::unexpected(std::move(*failure));
  return last;
}

Result<void> PgLink::script(const std::string& sql, Millis timeout) {
  if (lost_) return std::unexpected(*lost_);
  const bool pipeline = PQpipelineStatus(connection_) == PQ_PIPELINE_ON;
  if (pipeline && PQexitPipelineMode(connection_) != 1)
    return refuse(Cause::STORE_FAILED, fmt::format("{}: {}", name_, one_line(PQerrorMessage(connection_))));
  const Deadline deadline(timeout);
  const auto gone = [&] {
    return std::unexpected(
        lose(PQstatus(connection_) == CONNECTION_OK ? fmt::format("no answer in {} ms", timeout.count())
                                                    : one_line(PQerrorMessage(connection_))));
  };
  if (PQsendQuery(connection_, sql.c_str()) != 1) return gone();
  (void)flush(deadline);
  std::optional<Refusal> failure;
  for (;;) {
    if (!await(deadline)) return gone();
    const PgResult result(PQgetResult(connection_));
    if (!result) break;
    if (!is_good(result.get()) && !failure) failure = refusal(result.get());
    if (lost_) return std::unexpected(*lost_);
  }
  if (pipeline && PQenterPipelineMode(connection_) != 1) return gone();
  if (failure) return std::unexpected(std::move(*failure));
  return {};
}

Result<void> PgLink::check() {
  if (lost_) return std::unexpected(*lost_);
  for (;;) {
    pollfd ready{.fd = PQsocket(connection_), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) return {};
    const bool read = PQconsumeInput(connection_) == 1;
    (void)PQisBusy(connection_); // parses the bytes that arrived
    if (!read || PQstatus(connection_) != CONNECTION_OK)
      return std::unexpected(lose(one_line(PQerrorMessage(connection_))));
  }
}

} // namespace foyer::store
