#include "auth/foreign_claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/bytes.h"
#include "jose/jws.h"

namespace foyer::auth {
namespace {

constexpr std::size_t kMaxUserIdBytes = 128;
constexpr std::size_t kMaxSubjectBytes = 255;
constexpr std::size_t kMaxIdBytes = 256;
constexpr std::size_t kMaxNameBytes = 256;
constexpr double kLatestTime = 253'402'300'799.0;         // the last second of the year 9999
constexpr double kLargestExact = 9'007'199'254'740'992.0; // 2^53: above it a double is not one number
// Ids of this server's own users and programs, and those that stand for a mapped subject.
constexpr std::array<std::string_view, 4> kReserved = {"u_", "app:", "system:", "~"};
using jose::kRoomClaims;

std::string_view kind_of(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::string: return "a string";
    case boost::json::kind::bool_: return "a boolean";
    case boost::json::kind::array: return "an array";
    case boost::json::kind::object: return "an object";
    case boost::json::kind::null: return "null";
    default: return "a number";
  }
}

bool in_id(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
      c == ':' || c == '@' || c == '|' || c == '-';
}

// C0, DEL, and C1 in UTF-8.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

std::optional<double> number_in(const json::Value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_double()) return value.get_double();
  return std::nullopt;
}

std::string how_far(WallTime then, WallTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  return seconds < 0 ? fmt::format("{} s ahead", -seconds) : fmt::format("{} s ago", seconds);
}

void add_words(std::vector<std::string>& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool holds(const json::Value& value, std::string_view wanted) {
  if (value.is_string()) {
    std::vector<std::string> words;
    add_words(words, value.get_string());
    return std::string_view(value.get_string()) == wanted || std::ranges::find(words, wanted) != words.end();
  }
  if (!value.is_array()) return false;
  return std::ranges::any_of(value.get_array(),
      [&](const json::Value& each) { return each.is_string() && std::string_view(each.get_string()) == wanted; });
}

// Whether the claims have CLAIM:VALUE. Both may contain colons, so every place to part them counts.
bool has_value(const json::Object& claims, std::string_view from) {
  for (auto colon = from.find(':'); colon != std::string_view::npos; colon = from.find(':', colon + 1)) {
    const auto* value = find_claim(claims, from.substr(0, colon));
    if (value != nullptr && holds(*value, from.substr(colon + 1))) return true;
  }
  return false;
}

class Reader {
 public:
  Reader(const IssuerTerms& terms, const json::Object& claims, WallTime now, jose::TokenUse use)
      : terms_(terms),
        issuer_(terms.issuer),
        claims_(claims),
        now_(now),
        use_(use) {}

  std::expected<ForeignClaims, jose::ClaimFaults> read(const std::optional<std::string>& typ) {
    type(typ);
    audience_form();
    subject();
    expires_ = time(kExp, true);
    issued_ = time("iat", false);
    not_before_ = time("nbf", false);
    token_ = text("jti");
    (void)text("client_id");
    const auto scopes = scope_claim();
    if (use_ == jose::TokenUse::access)
      rooms();
    else
      room();
    required();
    times();
    audience();
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return accepted(scopes);
  }

 private:
  static constexpr std::string_view kExp = "exp";

  const std::string& path(const char* use) const { return issuer_.map.find(use)->second; }
  // Null counts as absent.
  const json::Value* claim(std::string_view name) const {
    const auto* value = find_claim(claims_, name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  bool names_room() const {
    return std::ranges::any_of(kRoomClaims, [&](std::string_view name) { return claim(name) != nullptr; });
  }
  void room() {
    const auto name = claim(kRoomClaims[0]) == nullptr && names_room() ? kRoomClaims[1] : kRoomClaims[0];
    room_ = text(name);
    if (room_.empty() && !faults_.about(name)) faults_.unusable(name, "is absent");
  }

  void type(const std::optional<std::string>& typ) {
    if (use_ == jose::TokenUse::room)
      room_type(typ);
    else
      access_type(typ);
    // RFC 7800: such a token is worth nothing without the key, which is not asked for here.
    if (claim("cnf") != nullptr)
      faults_.add({.cause = Cause::WRONG_TOKEN_TYPE,
          .claim = "cnf",
          .what = "cnf binds it to a key of its owner, which cannot be checked here"});
  }
  void room_type(const std::optional<std::string>& typ) {
    if (!names_room() && !jose::same_type(typ.value_or("JWT"), jose::kRoomTokenType))
      faults_.add({.cause = Cause::WRONG_TOKEN_TYPE,
          .claim = "typ",
          .what = "neither typ room+jwt nor a claim room or channel"});
  }
  void access_type(const std::optional<std::string>& typ) {
    const std::string seen = typ.value_or("JWT");
    const bool fits = std::ranges::any_of(
        issuer_.token_types, [&](const std::string& wanted) { return jose::same_type(seen, wanted); });
    if (!fits)
      faults_.add({.cause = Cause::WRONG_TOKEN_TYPE,
          .claim = "typ",
          .what = typ ? fmt::format("typ {}; expected {}", printable(seen, 64), fmt::join(issuer_.token_types, " or "))
                      : fmt::format("no typ in the header, which counts as JWT; expected {}",
                            fmt::join(issuer_.token_types, " or "))});
    for (const auto name : kRoomClaims)
      if (claim(name) != nullptr)
        faults_.add({.cause = Cause::WRONG_TOKEN_TYPE,
            .claim = std::string(name),
            .what = fmt::format("{} makes it a token for a room, which is sent with join", name)});
  }

  void audience_form() {
    const auto* aud = claim("aud");
    if (aud == nullptr) {
      if (!issuer_.audience.empty()) faults_.unusable("aud", "is absent");
      return;
    }
    if (aud->is_string()) return;
    if (!aud->is_array()) return faults_.unusable("aud", fmt::format("is {}", kind_of(*aud)));
    for (const auto& each : aud->get_array())
      if (!each.is_string()) return faults_.unusable("aud", "is an array of other things than strings");
  }

  // RFC 7519 §4.1.3: a token that names audiences is for nobody else.
  void audience() {
    const auto* aud = claim("aud");
    if (aud == nullptr || faults_.about("aud")) return;
    const bool ours = std::ranges::any_of(issuer_.audience, [&](const std::string& wanted) {
      if (aud->is_string()) return std::string_view(aud->get_string()) == wanted;
      return holds(*aud, wanted);
    });
    if (ours) return;
    const std::string seen = aud->is_string() ? printable(std::string_view(aud->get_string()), 128)
                                              : fmt::format("with {} audiences", aud->get_array().size());
    faults_.add({.cause = Cause::AUDIENCE_MISMATCH,
        .claim = "aud",
        .what = issuer_.audience.empty()
            ? fmt::format("aud {}; no audience is configured", seen)
            : fmt::format("aud {}; expected {}", seen, fmt::join(issuer_.audience, " or "))});
  }

  void subject() {
    const std::string& name = path("user");
    const auto* value = claim(name);
    if (value == nullptr) return faults_.unusable(name, "is absent");
    if (value->is_string()) {
      subject_ = std::string_view(value->get_string());
    } else if (value->is_int64()) {
      subject_ = fmt::format("{}", value->get_int64());
    } else if (value->is_uint64()) {
      subject_ = fmt::format("{}", value->get_uint64());
    } else if (const auto number = number_in(*value)) {
      if (std::floor(*number) != *number || std::abs(*number) >= kLargestExact)
        return faults_.unusable(name, "is a number that is not a whole one below 2^53");
      subject_ = fmt::format("{}", static_cast<std::int64_t>(*number));
    } else {
      return faults_.unusable(name, fmt::format("is {}", kind_of(*value)));
    }
    if (subject_.empty()) return faults_.unusable(name, "is empty");
    if (subject_.size() > kMaxSubjectBytes)
      return faults_.unusable(name, fmt::format("is longer than {} bytes", kMaxSubjectBytes));
    if (has_control(subject_)) faults_.unusable(name, "has control characters");
  }

  // NumericDate (RFC 7519 §2): a number of seconds, of which the fraction is dropped.
  std::optional<WallTime> time(std::string_view name, bool required) {
    const auto* value = claim(name);
    if (value == nullptr) {
      if (required) faults_.unusable(name, "is absent");
      return std::nullopt;
    }
    const auto number = number_in(*value);
    if (!number) {
      faults_.unusable(name, fmt::format("is {}", kind_of(*value)));
      return std::nullopt;
    }
    if (!(*number >= 0 && *number <= kLatestTime)) {
      faults_.unusable(name, "is not a time in seconds between 1970 and 9999");
      return std::nullopt;
    }
    return from_unix_seconds(static_cast<std::int64_t>(std::floor(*number)));
  }

  std::string text(std::string_view name) {
    const auto* value = claim(name);
    if (value == nullptr) return {};
    if (!value->is_string()) {
      faults_.unusable(name, fmt::format("is {}", kind_of(*value)));
      return {};
    }
    if (value->get_string().size() > kMaxIdBytes)
      faults_.unusable(name, fmt::format("is longer than {} bytes", kMaxIdBytes));
    return std::string(std::string_view(value->get_string()));
  }

  std::vector<std::string> scope_claim() {
    std::vector<std::string> out;
    const std::string& name = path("scope");
    const auto* value = claim(name);
    if (value == nullptr) return out;
    if (value->is_string()) {
      add_words(out, value->get_string());
    } else if (value->is_array()) {
      for (const auto& each : value->get_array()) {
        if (!each.is_string()) {
          faults_.unusable(name, "is an array of other things than strings");
          break;
        }
        out.emplace_back(std::string_view(each.get_string()));
      }
    } else {
      faults_.unusable(name, fmt::format("is {}", kind_of(*value)));
    }
    return out;
  }

  void rooms() {
    const std::string& name = path("rooms");
    const auto* value = claim(name);
    if (value == nullptr) return;
    if (!value->is_array()) return faults_.unusable(name, fmt::format("is {}", kind_of(*value)));
    if (value->get_array().size() > kMaxRoomsClaim)
      return faults_.unusable(name, fmt::format("has more than {} rooms", kMaxRoomsClaim));
    for (const auto& each : value->get_array()) {
      if (!each.is_string()) return faults_.unusable(name, "is an array of other things than strings");
      rooms_.emplace_back(std::string_view(each.get_string()));
    }
  }

  void required() {
    for (const auto& name : issuer_.require)
      // With another claim for the user, the usual `sub` stands for that one.
      if (name != "sub" || path("user") == "sub")
        if (claim(name) == nullptr) faults_.unusable(name, "is absent");
  }

  void times() {
    const auto early = [&](std::string_view name, WallTime from) {
      faults_.add({.cause = Cause::TOKEN_NOT_YET_VALID,
          .claim = std::string(name),
          .what = fmt::format("{} {}, {}", name, rfc3339(from), how_far(from, now_)),
          .retry_after = from - terms_.leeway - now_});
    };
    if (expires_ && now_ >= *expires_ + terms_.leeway)
      faults_.add({.cause = Cause::TOKEN_EXPIRED,
          .claim = "exp",
          .what = fmt::format("exp {}, {}", rfc3339(*expires_), how_far(*expires_, now_))});
    else if (expires_ && *expires_ - now_ > terms_.max_token_life + terms_.leeway)
      faults_.unusable(kExp,
          fmt::format("{}, {}: more than max_token_life ({} h)", rfc3339(*expires_), how_far(*expires_, now_),
              terms_.max_token_life.count() / 3'600'000));
    if (not_before_ && now_ + terms_.leeway < *not_before_) early("nbf", *not_before_);
    if (issued_ && now_ + terms_.leeway < *issued_) early("iat", *issued_);
  }

  bool allows(std::string_view scope) const {
    return std::ranges::find(issuer_.allow_scopes, scope) != issuer_.allow_scopes.end();
  }

  // The allowed scopes of the token, or those of default_scope if there is none; and what scope_map adds.
  Permissions permissions(const std::vector<std::string>& scopes) const {
    std::string granted;
    const auto grant = [&](std::string_view text, bool mapped) {
      std::vector<std::string> words;
      add_words(words, text);
      for (const auto& word : words)
        if (allows(word) || (mapped && word != "admin")) granted += word + " ";
    };
    for (const auto& scope : scopes) grant(scope, false);
    if (parse_scope(granted) == Permissions{}) grant(issuer_.default_scope, false);
    for (const auto& [from, to] : issuer_.scope_map)
      if (has_value(claims_, from)) grant(to, true);
    return parse_scope(granted);
  }

  ForeignClaims accepted(const std::vector<std::string>& scopes) {
    ForeignClaims out{.identity = {}, .subject = subject_};
    Identity& who = out.identity;
    who.user = foreign_user_id(issuer_.user_prefix, subject_);
    const auto* name = claim(path("name"));
    const bool usable = name != nullptr && name->is_string() && !name->get_string().empty() &&
        name->get_string().size() <= kMaxNameBytes && !has_control(name->get_string());
    who.name = usable ? std::string(std::string_view(name->get_string())) : subject_;
    who.token = TokenId{token_};
    who.permissions = permissions(scopes);
    who.issued_at = issued_.value_or(WallTime{});
    who.expires_at = *expires_;
    who.foreign = true;
    who.rooms = std::move(rooms_);
    out.room = room_;
    out.leeway_used = now_ >= *expires_ || (not_before_ && now_ < *not_before_) || (issued_ && now_ < *issued_);
    return out;
  }

  const IssuerTerms& terms_;
  const TrustedIssuer& issuer_;
  const json::Object& claims_;
  const WallTime now_;
  const jose::TokenUse use_;
  jose::ClaimFaults faults_;
  std::string subject_, token_, room_;
  std::optional<WallTime> expires_, issued_, not_before_;
  std::vector<std::string> rooms_;
};

} // namespace

const json::Value* find_claim(const json::Object& claims, std::string_view path) {
  if (const auto* whole = claims.if_contains(path)) return whole;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
    const auto* inner = claims.if_contains(path.substr(0, dot));
    if (inner == nullptr || !inner->is_object()) continue;
    if (const auto* found = find_claim(inner->get_object(), path.substr(dot + 1))) return found;
  }
  return nullptr;
}

UserId foreign_user_id(std::string_view prefix, std::string_view subject) {
  std::string plain = std::string(prefix).append(subject);
  const bool fits = !subject.empty() && plain.size() <= kMaxUserIdBytes && std::ranges::all_of(subject, in_id) &&
      std::ranges::none_of(kReserved, [&](std::string_view reserved) { return plain.starts_with(reserved); });
  if (fits) return UserId{std::move(plain)};
  return UserId{std::string(prefix) + "~" + base64url_encode(sha256(subject))};
}

std::expected<ForeignClaims, jose::ClaimFaults> read_foreign_claims(const IssuerTerms& terms,
    const std::optional<std::string>& typ, const json::Object& claims, WallTime now, jose::TokenUse use) {
  return Reader(terms, claims, now, use).read(typ);
}

} // namespace foyer::auth
