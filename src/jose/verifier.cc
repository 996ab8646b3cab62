#include "jose/verifier.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "jose/fields.h"

namespace foyer::jose {
namespace {

constexpr double kLatestTime = 253'402'300'799.0; // the last second of the year 9999
constexpr std::size_t kMaxUserIdBytes = 128;
constexpr std::size_t kMaxIdBytes = 256;
constexpr std::size_t kMaxNameBytes = 256;

bool is_user_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxUserIdBytes && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
        c == ':' || c == '@' || c == '|' || c == '-';
  });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string ago(WallTime then, WallTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  return std::to_string(seconds < 0 ? -seconds : seconds) + " s " + (seconds < 0 ? "ahead" : "ago");
}

// The claims that are used. Views of the Fields.
struct ReadClaims {
  std::string_view issuer, subject, token_id, client_id;
  std::string_view session, name, scope, room; // empty: absent
  std::vector<std::string> rooms;
  std::optional<WallTime> expires, issued, not_before;
  const Field* environment = nullptr;
};

// Reads and compares the claims of a token, and collects everything that is wrong with them, in the order of diagnosis.
class ClaimReader {
 public:
  ClaimReader(const Fields& claims, const VerifierPolicy& policy, WallTime now, TokenUse use = TokenUse::access)
      : claims_(claims),
        policy_(policy),
        now_(now),
        use_(use) {}

  std::expected<ReadClaims, ClaimFaults> read(const std::optional<std::string>& typ) {
    type(typ);
    // All required claims are present and of their type before anything is compared.
    read_.issuer = text("iss", true, policy_.max_bytes);
    audience_form();
    read_.subject = text("sub", true, policy_.max_bytes);
    if (!faults_.about("sub") && !is_user_id(read_.subject))
      faults_.unusable("sub", "is not 1 to 128 of A-Z a-z 0-9 . _ : @ | -");
    read_.expires = time("exp", true);
    const bool access = use_ == TokenUse::access;
    read_.issued = time("iat", access);
    read_.not_before = time("nbf", false);
    read_.token_id = text("jti", access, kMaxIdBytes);
    read_.client_id = text("client_id", access, kMaxIdBytes);
    read_.session = text("sid", false, kMaxIdBytes);
    read_.name = text("name", false, policy_.max_bytes);
    read_.scope = text("scope", false, policy_.max_bytes);
    if (access)
      rooms();
    else
      room();
    read_.environment = claim("env", Field::Kind::string, policy_.require_environment_claim);
    times();
    parties();
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return read_;
  }

 private:
  // A claim of a given type; null if it is absent or unusable. `required`: whether absence is a fault.
  const Field* claim(std::string_view name, Field::Kind kind, bool required) {
    const Field* field = claims_.find(name);
    if (field == nullptr) {
      if (required) faults_.unusable(name, "is absent");
      return nullptr;
    }
    if (field->kind == kind) return field;
    faults_.unusable(name, "is " + std::string{to_string(field->kind)});
    return nullptr;
  }

  std::string_view text(std::string_view name, bool required, std::size_t limit) {
    const Field* field = claim(name, Field::Kind::string, required);
    if (field == nullptr) return {};
    if (required && field->text.empty()) faults_.unusable(name, "is empty");
    if (field->text.size() > limit) faults_.unusable(name, "is longer than " + std::to_string(limit) + " bytes");
    return field->text;
  }

  // NumericDate (RFC 7519 §2): seconds, a fraction is allowed.
  std::optional<WallTime> time(std::string_view name, bool required) {
    const Field* field = claim(name, Field::Kind::number, required);
    if (field == nullptr) return std::nullopt;
    if (!(field->number >= 0 && field->number <= kLatestTime)) {
      faults_.unusable(name, "is not a time between 1970 and 9999");
      return std::nullopt;
    }
    return WallTime{Millis{static_cast<std::int64_t>(std::floor(field->number * 1000.0))}};
  }

  void type(const std::optional<std::string>& typ) {
    if (use_ == TokenUse::room) return room_type(typ);
    const bool fits = typ &&
        std::ranges::any_of(policy_.token_types, [&](const std::string& wanted) { return same_type(*typ, wanted); });
    if (!fits) wrong_type("typ", typ ? "typ " + printable(*typ, 64) : std::string{"no typ in the header"});
    for (const auto name : kRoomClaims)
      if (claims_.find(name) != nullptr)
        wrong_type(name, std::string{name} + " makes it a token for a room, which is sent with join");
  }
  void room_type(const std::optional<std::string>& typ) {
    const bool typed = typ && same_type(*typ, kRoomTokenType);
    const bool named =
        std::ranges::any_of(kRoomClaims, [&](std::string_view name) { return claims_.find(name) != nullptr; });
    if (!typed && !named) wrong_type("typ", "neither typ room+jwt nor a claim room or channel");
  }
  void wrong_type(std::string_view claim, std::string what) {
    faults_.add({.cause = Cause::WRONG_TOKEN_TYPE, .claim = std::string{claim}, .what = std::move(what)});
  }
  void room() {
    const auto name = claims_.find(kRoomClaims[0]) != nullptr ? kRoomClaims[0] : kRoomClaims[1];
    read_.room = text(claims_.find(name) != nullptr ? name : kRoomClaims[0], true, kMaxIdBytes);
  }
  void rooms() {
    const Field* field = claims_.find("rooms");
    if (field == nullptr) return;
    if (field->kind != Field::Kind::strings) return faults_.unusable("rooms", "is not an array of strings");
    if (field->count > kMostRooms)
      return faults_.unusable("rooms", "has more than " + std::to_string(kMostRooms) + " rooms");
    for (std::size_t i = 0; i < field->count; ++i) read_.rooms.emplace_back(claims_.item(*field, i));
  }

  void audience_form() {
    const Field* aud = claims_.find("aud");
    if (aud == nullptr)
      faults_.unusable("aud", "is absent");
    else if (aud->kind != Field::Kind::string && aud->kind != Field::Kind::strings)
      faults_.unusable("aud", "is neither a string nor an array of strings");
  }

  bool names_audience(const Field& aud) const {
    if (aud.kind == Field::Kind::string) return aud.text == policy_.audience;
    for (std::size_t i = 0; i < aud.count; ++i)
      if (claims_.item(aud, i) == policy_.audience) return true;
    return false;
  }

  void times() {
    if (read_.expires && now_ >= *read_.expires + policy_.leeway)
      faults_.add({.cause = Cause::TOKEN_EXPIRED,
          .claim = "exp",
          .what = "exp " + rfc3339(*read_.expires) + ", " + ago(*read_.expires, now_)});
    const auto early = [&](std::string_view name, const std::optional<WallTime>& from) {
      if (!from || now_ + policy_.leeway >= *from) return;
      faults_.add({.cause = Cause::TOKEN_NOT_YET_VALID,
          .claim = std::string{name},
          .what = std::string{name} + " " + rfc3339(*from) + ", " + ago(*from, now_),
          .retry_after = *from - policy_.leeway - now_});
    };
    early("nbf", read_.not_before);
    early("iat", read_.issued);
  }

  // Compares issuer, audience and environment.
  void parties() {
    if (!faults_.about("iss") && read_.issuer != policy_.issuer)
      faults_.add({.cause = Cause::ISSUER_MISMATCH,
          .claim = "iss",
          .what = "iss " + printable(read_.issuer, 128) + "; expected " + policy_.issuer});
    const Field* aud = claims_.find("aud");
    if (!faults_.about("aud") && !names_audience(*aud))
      faults_.add({.cause = Cause::AUDIENCE_MISMATCH,
          .claim = "aud",
          .what = "aud " +
              (aud->kind == Field::Kind::string ? printable(aud->text, 128)
                                                : std::to_string(aud->count) + " audiences") +
              "; expected " + policy_.audience});
    if (read_.environment != nullptr && policy_.environment && read_.environment->text != *policy_.environment)
      faults_.add({.cause = Cause::ENVIRONMENT_MISMATCH,
          .claim = "env",
          .what = "env " + printable(read_.environment->text, 32) + "; this server is " + *policy_.environment});
  }

  const Fields& claims_;
  const VerifierPolicy& policy_;
  const WallTime now_;
  const TokenUse use_;
  ReadClaims read_;
  ClaimFaults faults_;
};

Identity identity_of(const ReadClaims& read) {
  const bool usable_name = !read.name.empty() && read.name.size() <= kMaxNameBytes && !has_control(read.name);
  Identity out;
  out.user = UserId{read.subject};
  out.name = std::string{usable_name ? read.name : read.subject};
  out.session = SessionId{read.session};
  out.token = TokenId{read.token_id};
  out.permissions = parse_scope(read.scope);
  out.issued_at = read.issued.value_or(WallTime{});
  out.expires_at = *read.expires;
  out.rooms = read.rooms;
  return out;
}

} // namespace

std::expected<BareClaims, ClaimFaults> read_claims(
    const Jws& jws, const VerifierPolicy& policy, WallTime now, TokenUse use) {
  Fields claims;
  ClaimFaults none;
  if (!claims.parse(jws.payload)) {
    none.add({.cause = Cause::INVALID_FORMAT, .claim = "claims", .what = "claims that are not a JSON object"});
    return std::unexpected(std::move(none));
  }
  auto read = ClaimReader(claims, policy, now, use).read(jws.header.typ);
  if (!read) return std::unexpected(std::move(read).error());
  return BareClaims{.identity = identity_of(*read), .room = std::string{read->room}};
}

Verifier::Verifier(std::shared_ptr<const KeySet> keys, VerifierPolicy policy)
    : keys_(KeySet::pinned(keys, policy.algorithm)),
      policy_(std::move(policy)) {}

Result<Claims> Verifier::verify(std::string_view token, WallTime now, TokenUse use) const {
  TRY(jws, parse_compact(token, policy_.max_bytes));
  thread_local Fields claims;
  if (const auto read = claims.parse(jws.payload); !read)
    return refuse(Cause::INVALID_FORMAT, "claims that are " + std::string{read.error()});

  if (policy_.algorithm && find_algorithm(jws.header.alg) != policy_.algorithm)
    return refuse_field(Cause::ALGORITHM_NOT_ALLOWED, "alg",
        "alg " + printable(jws.header.alg, 16) + "; only " + std::string{to_string(*policy_.algorithm)} +
            " is accepted");
  TRY_VOID(verify_signature(jws, *keys_));
  const auto found = ClaimReader(claims, policy_, now, use).read(jws.header.typ);
  if (!found) return std::unexpected(found.error().refusal());
  const ReadClaims& read = *found;

  Claims out;
  out.identity = identity_of(read);
  out.identity.own_account = policy_.own_accounts && !read.session.empty();
  out.client_id = std::string{read.client_id};
  out.room = std::string{read.room};
  out.leeway_used =
      now >= *read.expires || (read.not_before && now < *read.not_before) || (read.issued && now < *read.issued);
  out.header_json = std::move(jws.header.json);
  out.claims_json = std::move(jws.payload);
  return out;
}

} // namespace foyer::jose
