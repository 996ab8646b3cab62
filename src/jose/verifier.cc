#include "jose/verifier.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "jose/fields.h"
#include "jose/jws.h"

namespace foyer::jose {
namespace {

constexpr double kLatestTime = 253'402'300'799.0; // the last second of the year 9999
constexpr std::size_t kMaxUserIdBytes = 128;
constexpr std::size_t kMaxIdBytes = 256;
constexpr std::size_t kMaxNameBytes = 256;

std::unexpected<Refusal> unusable(std::string_view claim, std::string_view what) {
  return refuse_field(Cause::CLAIM_MISSING, std::string{claim}, std::string{claim} + " " + std::string{what});
}

bool is_user_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxUserIdBytes && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
        c == ':' || c == '@' || c == '|' || c == '-';
  });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// A claim of a given type. `required`: whether absence is a fault.
Result<const Field*> claim(const Fields& claims, std::string_view name, Field::Kind kind, bool required) {
  const Field* field = claims.find(name);
  if (field == nullptr) {
    if (required) return unusable(name, "is absent");
    return nullptr;
  }
  if (field->kind != kind) return unusable(name, "is " + std::string{to_string(field->kind)});
  return field;
}

Result<std::string_view> text_claim(const Fields& claims, std::string_view name, bool required, std::size_t limit) {
  TRY(field, claim(claims, name, Field::Kind::string, required));
  if (field == nullptr) return std::string_view{};
  if (required && field->text.empty()) return unusable(name, "is empty");
  if (field->text.size() > limit) return unusable(name, "is longer than " + std::to_string(limit) + " bytes");
  return field->text;
}

// NumericDate (RFC 7519 §2): seconds, a fraction is allowed.
Result<std::optional<WallTime>> time_claim(const Fields& claims, std::string_view name, bool required) {
  TRY(field, claim(claims, name, Field::Kind::number, required));
  if (field == nullptr) return std::optional<WallTime>{};
  if (!(field->number >= 0 && field->number <= kLatestTime))
    return unusable(name, "is not a time between 1970 and 9999");
  return std::optional<WallTime>{WallTime{Millis{static_cast<std::int64_t>(std::floor(field->number * 1000.0))}}};
}

Result<bool> check_audience(const Fields& claims) {
  const Field* aud = claims.find("aud");
  if (aud == nullptr) return unusable("aud", "is absent");
  if (aud->kind != Field::Kind::string && aud->kind != Field::Kind::strings)
    return unusable("aud", "is neither a string nor an array of strings");
  return true;
}

bool names_audience(const Fields& claims, std::string_view wanted) {
  const Field* aud = claims.find("aud");
  if (aud->kind == Field::Kind::string) return aud->text == wanted;
  for (std::size_t i = 0; i < aud->count; ++i)
    if (claims.item(*aud, i) == wanted) return true;
  return false;
}

std::string ago(WallTime then, WallTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  return std::to_string(seconds < 0 ? -seconds : seconds) + " s " + (seconds < 0 ? "ahead" : "ago");
}

Result<void> check_type(const std::optional<std::string>& typ, const VerifierPolicy& policy) {
  if (!typ) return refuse_field(Cause::WRONG_TOKEN_TYPE, "typ", "no typ in the header");
  const bool fits =
      std::ranges::any_of(policy.token_types, [&](const std::string& wanted) { return same_type(*typ, wanted); });
  if (!fits) return refuse_field(Cause::WRONG_TOKEN_TYPE, "typ", "typ " + printable(*typ, 64));
  return {};
}

// The claims that are used, each present if required and of its type. Views of the Fields.
struct ReadClaims {
  std::string_view issuer, subject, token_id, client_id;
  std::string_view session, name, scope; // empty: absent
  WallTime expires, issued;
  std::optional<WallTime> not_before;
  const Field* environment = nullptr;
};

Result<ReadClaims> read_claims(const Fields& claims, const VerifierPolicy& policy) {
  TRY(issuer, text_claim(claims, "iss", true, policy.max_bytes));
  TRY_VOID(check_audience(claims));
  TRY(subject, text_claim(claims, "sub", true, policy.max_bytes));
  if (!is_user_id(subject)) return unusable("sub", "is not 1 to 128 of A-Z a-z 0-9 . _ : @ | -");
  TRY(expires, time_claim(claims, "exp", true));
  TRY(issued, time_claim(claims, "iat", true));
  TRY(not_before, time_claim(claims, "nbf", false));
  TRY(token_id, text_claim(claims, "jti", true, kMaxIdBytes));
  TRY(client_id, text_claim(claims, "client_id", true, kMaxIdBytes));
  TRY(session, text_claim(claims, "sid", false, kMaxIdBytes));
  TRY(name, text_claim(claims, "name", false, policy.max_bytes));
  TRY(scope, text_claim(claims, "scope", false, policy.max_bytes));
  TRY(environment, claim(claims, "env", Field::Kind::string, policy.require_environment_claim));
  return ReadClaims{.issuer = issuer,
      .subject = subject,
      .token_id = token_id,
      .client_id = client_id,
      .session = session,
      .name = name,
      .scope = scope,
      .expires = *expires,
      .issued = *issued,
      .not_before = not_before,
      .environment = environment};
}

Result<void> check_times(const ReadClaims& read, Millis leeway, WallTime now) {
  if (now >= read.expires + leeway)
    return refuse_field(Cause::TOKEN_EXPIRED, "exp", "exp " + rfc3339(read.expires) + ", " + ago(read.expires, now));
  const auto early = [&](std::string_view field, WallTime from) {
    Refusal refusal{.cause = Cause::TOKEN_NOT_YET_VALID,
        .evidence = std::string{field} + " " + rfc3339(from) + ", " + ago(from, now),
        .field = std::string{field}};
    refusal.retry_after = from - leeway - now;
    return std::unexpected(std::move(refusal));
  };
  if (read.not_before && now + leeway < *read.not_before) return early("nbf", *read.not_before);
  if (now + leeway < read.issued) return early("iat", read.issued);
  return {};
}

// Checks issuer, audience and environment.
Result<void> check_parties(const Fields& claims, const ReadClaims& read, const VerifierPolicy& policy) {
  if (read.issuer != policy.issuer)
    return refuse_field(
        Cause::ISSUER_MISMATCH, "iss", "iss " + printable(read.issuer, 128) + "; expected " + policy.issuer);
  if (!names_audience(claims, policy.audience)) {
    const Field* aud = claims.find("aud");
    const auto seen =
        aud->kind == Field::Kind::string ? printable(aud->text, 128) : std::to_string(aud->count) + " audiences";
    return refuse_field(Cause::AUDIENCE_MISMATCH, "aud", "aud " + seen + "; expected " + policy.audience);
  }
  if (read.environment != nullptr && policy.environment && read.environment->text != *policy.environment)
    return refuse_field(Cause::ENVIRONMENT_MISMATCH, "env",
        "env " + printable(read.environment->text, 32) + "; this server is " + *policy.environment);
  return {};
}

Identity identity_of(const ReadClaims& read) {
  const bool usable_name = !read.name.empty() && read.name.size() <= kMaxNameBytes && !has_control(read.name);
  Identity out;
  out.user = UserId{read.subject};
  out.name = std::string{usable_name ? read.name : read.subject};
  out.session = SessionId{read.session};
  out.token = TokenId{read.token_id};
  out.permissions = parse_scope(read.scope);
  out.issued_at = read.issued;
  out.expires_at = read.expires;
  return out;
}

} // namespace

Verifier::Verifier(std::shared_ptr<const KeySet> keys, VerifierPolicy policy)
    : keys_(KeySet::pinned(keys, policy.algorithm)),
      policy_(std::move(policy)) {}

Result<Claims> Verifier::verify(std::string_view token, WallTime now) const {
  TRY(jws, parse_compact(token, policy_.max_bytes));
  thread_local Fields claims;
  if (const auto read = claims.parse(jws.payload); !read)
    return refuse(Cause::INVALID_FORMAT, "claims that are " + std::string{read.error()});

  if (policy_.algorithm && find_algorithm(jws.header.alg) != policy_.algorithm)
    return refuse_field(Cause::ALGORITHM_NOT_ALLOWED, "alg",
        "alg " + printable(jws.header.alg, 16) + "; only " + std::string{to_string(*policy_.algorithm)} +
            " is accepted");
  TRY_VOID(verify_signature(jws, *keys_));
  TRY_VOID(check_type(jws.header.typ, policy_));

  // All required claims are present and of their type before anything is compared.
  TRY(read, read_claims(claims, policy_));
  TRY_VOID(check_times(read, policy_.leeway, now));
  TRY_VOID(check_parties(claims, read, policy_));

  Claims out;
  out.identity = identity_of(read);
  out.identity.own_account = policy_.own_accounts && !read.session.empty();
  out.client_id = std::string{read.client_id};
  out.leeway_used = now >= read.expires || (read.not_before && now < *read.not_before) || now < read.issued;
  out.header_json = std::move(jws.header.json);
  out.claims_json = std::move(jws.payload);
  return out;
}

} // namespace foyer::jose
