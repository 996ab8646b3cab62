// Second factors, services and signing keys.
#include <fmt/format.h>

#include <algorithm>

#include "accounts/sql/queries.h"

namespace foyer::accounts::sql {
namespace {

using store::Statement;

// Verifiers accept key sets of at most 64, and the newest of them signs: repeated rotations must not exceed that.
constexpr std::int64_t kMostSigningKeys = 32;

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(by);
    if (end != 0) out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

Result<void> insert_secrets(Database& db, const ServiceRow& row) {
  for (std::size_t place = 0; place < row.secrets.size(); ++place) {
    const auto& secret = row.secrets[place];
    std::string fingerprints;
    for (const auto& [variant, print] : secret.fingerprints) fingerprints += fmt::format("{} {}\n", print, variant);
    TRY_VOID(
        db.change("INSERT INTO service_secrets (service, place, sealed, created, fingerprints) VALUES (?, ?, ?, ?, ?)",
            row.id, place, secret.sealed_key, secret.created, fingerprints));
  }
  return {};
}

Result<void> read_secrets(Database& db, ServiceRow& row) {
  TRY(rows,
      db.query("SELECT sealed, created, fingerprints FROM service_secrets WHERE service = ? ORDER BY place", row.id));
  for (;;) {
    TRY(more, rows.step());
    if (!more) return {};
    ServiceSecretRow secret{.sealed_key = rows.text(0), .created = rows.time(1), .fingerprints = {}};
    for (const auto& line : split(rows.text(2), '\n'))
      if (const auto space = line.find(' '); space != std::string::npos)
        secret.fingerprints.emplace_back(line.substr(space + 1), line.substr(0, space));
    row.secrets.push_back(std::move(secret));
  }
}

ServiceRow read_service(const Statement& row) {
  return {.id = row.text(0),
      .secrets = {},
      .may_call = split(row.text(1), ' '),
      .disabled = row.integer(2) != 0,
      .created = row.time(3)};
}

} // namespace

Result<std::optional<SecondFactorRow>> find_second_factor(Database& db, const UserId& user) {
  TRY(rows, db.query("SELECT secret, confirmed, created, last_step FROM second_factors WHERE \"user\" = ?", user));
  TRY(found, rows.step());
  if (!found) return std::nullopt;
  SecondFactorRow out{.user = user,
      .sealed_secret = rows.text(0),
      .confirmed = rows.integer(1) != 0,
      .created = rows.time(2),
      .last_step = rows.integer(3),
      .recovery = {}};
  TRY(codes, db.query("SELECT digest FROM recovery_codes WHERE \"user\" = ? ORDER BY digest", user));
  for (;;) {
    TRY(more, codes.step());
    if (!more) return out;
    out.recovery.push_back(codes.text(0));
  }
}

Result<bool> put_second_factor(Database& db, const SecondFactorRow& row, const AuditRow& audit) {
  TRY(users, db.query("SELECT 1 FROM users WHERE id = ?", row.user));
  TRY(known, users.step());
  if (!known) return refuse(Cause::USER_UNKNOWN, fmt::format("user {}", row.user.view()));
  TRY(before, find_second_factor(db, row.user));
  if (before && before->confirmed && !row.confirmed)
    return refuse(Cause::TOTP_ALREADY_ON, "it has already been confirmed");
  // A step that was used since the row was read stays used.
  const std::int64_t last_step =
      before && before->sealed_secret == row.sealed_secret ? std::max(before->last_step, row.last_step) : row.last_step;
  TRY_VOID(db.change("DELETE FROM recovery_codes WHERE \"user\" = ?", row.user));
  TRY_VOID(db.change("DELETE FROM second_factors WHERE \"user\" = ?", row.user));
  TRY_VOID(
      db.change("INSERT INTO second_factors (\"user\", secret, confirmed, created, last_step) VALUES (?, ?, ?, ?, ?)",
          row.user, row.sealed_secret, row.confirmed, row.created, last_step));
  for (const auto& digest : row.recovery)
    TRY_VOID(db.change("INSERT INTO recovery_codes (\"user\", digest) VALUES (?, ?)", row.user, digest));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> use_second_factor(Database& db, const UserId& user, std::int64_t step) {
  TRY(changed,
      db.change("UPDATE second_factors SET last_step = ? WHERE \"user\" = ? AND last_step < ?", step, user, step));
  return changed > 0;
}

Result<bool> use_recovery_code(Database& db, const UserId& user, const std::string& digest, const AuditRow& audit) {
  TRY(changed, db.change("DELETE FROM recovery_codes WHERE \"user\" = ? AND digest = ?", user, digest));
  if (changed > 0) TRY_VOID(write_audit(db, audit));
  return changed > 0;
}

Result<bool> remove_second_factor(Database& db, const UserId& user, const AuditRow& audit) {
  TRY_VOID(db.change("DELETE FROM recovery_codes WHERE \"user\" = ?", user));
  TRY(changed, db.change("DELETE FROM second_factors WHERE \"user\" = ?", user));
  if (changed > 0) TRY_VOID(write_audit(db, audit));
  return changed > 0;
}

Result<std::vector<ServiceRow>> list_services(Database& db) {
  std::vector<ServiceRow> out;
  {
    TRY(rows, db.query("SELECT id, may_call, disabled, created FROM services ORDER BY id"));
    for (;;) {
      TRY(more, rows.step());
      if (!more) break;
      out.push_back(read_service(rows));
    }
  }
  for (auto& row : out) TRY_VOID(read_secrets(db, row));
  return out;
}

Result<std::optional<ServiceRow>> find_service(Database& db, const std::string& id) {
  TRY(rows, db.query("SELECT id, may_call, disabled, created FROM services WHERE id = ?", id));
  TRY(found, rows.step());
  if (!found) return std::nullopt;
  ServiceRow out = read_service(rows);
  TRY_VOID(read_secrets(db, out));
  return out;
}

Result<bool> add_service(Database& db, const ServiceRow& row, const AuditRow& audit) {
  TRY(added,
      db.change(
          "INSERT INTO services (id, may_call, disabled, created) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
          row.id, join(row.may_call), row.disabled, row.created));
  if (added == 0) return refuse_field(Cause::NAME_TAKEN, "id", fmt::format("there is a service {}", row.id));
  TRY_VOID(insert_secrets(db, row));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> change_service(Database& db, const ServiceRow& row, const AuditRow& audit) {
  TRY(changed,
      db.change(
          "UPDATE services SET may_call = ?, disabled = ? WHERE id = ?", join(row.may_call), row.disabled, row.id));
  if (changed == 0) return refuse(Cause::SERVICE_UNKNOWN, fmt::format("there is no service {}", row.id));
  TRY_VOID(db.change("DELETE FROM service_secrets WHERE service = ?", row.id));
  TRY_VOID(insert_secrets(db, row));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<std::vector<SigningKeyRow>> list_signing_keys(Database& db) {
  TRY(rows, db.query("SELECT kid, sealed, created, active_from, retired FROM signing_keys ORDER BY active_from, kid"));
  std::vector<SigningKeyRow> out;
  for (;;) {
    TRY(more, rows.step());
    if (!more) return out;
    SigningKeyRow key{.kid = rows.text(0),
        .sealed_jwk = rows.text(1),
        .created = rows.time(2),
        .active_from = rows.time(3),
        .retired = {}};
    if (!rows.is_null(4)) key.retired = rows.time(4);
    out.push_back(std::move(key));
  }
}

Result<bool> add_signing_key(Database& db, const SigningKeyRow& row, const AuditRow& audit) {
  {
    TRY(rows, db.query("SELECT count(*) FROM signing_keys"));
    TRY_VOID(rows.step());
    if (rows.integer(0) >= kMostSigningKeys)
      return refuse(Cause::ROTATION_UNSUPPORTED,
          fmt::format("there are already {} signing keys; expired ones are removed automatically, `foyer key remove` "
                      "removes others",
              rows.integer(0)));
  }
  TRY_VOID(db.change("UPDATE signing_keys SET retired = ? WHERE active_from <= ? AND retired IS NULL", row.active_from,
      row.active_from));
  TRY(added,
      db.change("INSERT INTO signing_keys (kid, sealed, created, active_from, retired) VALUES (?, ?, ?, ?, ?) ON "
                "CONFLICT (kid) DO NOTHING",
          row.kid, row.sealed_jwk, row.created, row.active_from, row.retired));
  if (added == 0) return refuse_field(Cause::NAME_TAKEN, "kid", fmt::format("there is a key {}", row.kid));
  TRY_VOID(write_audit(db, audit));
  return true;
}

Result<bool> remove_signing_key(Database& db, const std::string& kid, const AuditRow& audit) {
  TRY(changed, db.change("DELETE FROM signing_keys WHERE kid = ?", kid));
  if (changed > 0) TRY_VOID(write_audit(db, audit));
  return changed > 0;
}

} // namespace foyer::accounts::sql
