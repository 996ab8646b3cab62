#include "auth/contract/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/bytes.h"

namespace foyer::auth {
namespace {

constexpr std::array<std::string_view, 4> kKinds = {"token", "session", "before", "user"};
constexpr std::array<std::string_view, 4> kReasons = {"", "disabled", "enabled", "deleted"};
constexpr std::size_t kMaxAttempts = 10;

// Reads members of one object; the first that violates the contract is recorded.
class Reader {
 public:
  Reader(const json::Object& object, Cause cause) : object_(object), cause_(cause) {}

  std::string text(std::string_view name, bool required = true) {
    const auto* value = find(name, required);
    if (value == nullptr) return {};
    if (!value->is_string()) return wrong(name, "a string"), std::string{};
    return std::string(value->as_string());
  }
  std::int64_t number(std::string_view name, bool required = true) {
    const auto* value = find(name, required);
    if (value == nullptr) return 0;
    if (!value->is_int64()) return wrong(name, "a whole number"), 0;
    return value->as_int64();
  }
  bool flag(std::string_view name, bool required = true) {
    const auto* value = find(name, required);
    if (value == nullptr) return false;
    if (!value->is_bool()) return wrong(name, "true or false"), false;
    return value->as_bool();
  }
  json::Array array(std::string_view name, bool required = true) {
    const auto* value = find(name, required);
    if (value == nullptr) return {};
    if (!value->is_array()) return wrong(name, "an array"), json::Array{};
    return value->as_array();
  }
  std::vector<std::string> texts(std::string_view name, bool required = true) {
    std::vector<std::string> out;
    for (const auto& value : array(name, required)) {
      if (!value.is_string()) return wrong(name, "an array of strings"), out;
      out.emplace_back(value.as_string());
    }
    return out;
  }
  const json::Object* object(std::string_view name) {
    const auto* value = find(name, true);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) return wrong(name, "an object"), nullptr;
    return &value->as_object();
  }
  void wrong(std::string_view name, std::string_view due) {
    if (!fault_)
      fault_ = Refusal{.cause = cause_, .evidence = fmt::format("{} is not {}", name, due), .field = std::string(name)};
  }
  // For requests: unknown members are refused.
  void only(std::initializer_list<std::string_view> names) {
    for (const auto& member : object_)
      if (std::ranges::find(names, std::string_view(member.key())) == names.end() && !fault_)
        fault_ = Refusal{.cause = cause_,
            .evidence = fmt::format("unknown member {}", printable(std::string_view(member.key()), 64)),
            .field = printable(std::string_view(member.key()), 64)};
  }
  [[nodiscard]] bool well() const { return !fault_; }
  [[nodiscard]] std::unexpected<Refusal> fault() { return std::unexpected(std::move(*fault_)); }

 private:
  const json::Value* find(std::string_view name, bool required) {
    const auto* value = object_.if_contains(name);
    if (value == nullptr && required && !fault_)
      fault_ = Refusal{.cause = cause_, .evidence = fmt::format("{} is missing", name), .field = std::string(name)};
    return value;
  }

  const json::Object& object_;
  const Cause cause_;
  std::optional<Refusal> fault_;
};

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& words, std::string_view word) {
  const auto at = std::ranges::find(words, word);
  if (at == words.end()) return std::nullopt;
  return static_cast<std::size_t>(at - words.begin());
}

json::Array to_array(const std::vector<std::string>& texts) {
  json::Array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

} // namespace

// ---- verify

json::Object encode(const Question& question) {
  if (const auto* ticket = std::get_if<TicketRequest>(&question)) {
    json::Object out{
        {"kind", "ticket"}, {"ticket", ticket->ticket}, {"address", ticket->address}, {"attempt", ticket->attempt}};
    if (ticket->origin) out["origin"] = *ticket->origin;
    return out;
  }
  const auto& cookie = std::get<CookieRequest>(question);
  return {{"kind", "cookie"}, {"cookie", cookie.cookie}, {"address", cookie.address}};
}

Result<Question> decode_question(const json::Object& body, Ref ref) {
  Reader read(body, Cause::BAD_REQUEST);
  const std::string kind = read.text("kind");
  if (kind == "ticket") {
    read.only({"kind", "ticket", "origin", "address", "attempt"});
    TicketRequest out{.ticket = read.text("ticket"),
        .origin = {},
        .address = read.text("address"),
        .attempt = read.text("attempt"),
        .ref = std::move(ref)};
    if (body.contains("origin")) out.origin = read.text("origin");
    if (!read.well()) return read.fault();
    return out;
  }
  if (kind != "cookie") read.wrong("kind", "ticket or cookie");
  read.only({"kind", "cookie", "address"});
  CookieRequest out{.cookie = read.text("cookie"), .address = read.text("address"), .ref = std::move(ref)};
  if (!read.well()) return read.fault();
  return out;
}

json::Object encode(const Result<Identity>& answer) {
  if (!answer) return {{"valid", false}, {"refusal", encode(answer.error())}};
  const Identity& who = *answer;
  json::Object identity{{"user", who.user.str()}, {"name", who.name}, {"scope", to_scope(who.permissions)},
      {"issued_at", unix_millis(who.issued_at)}, {"expires_at", unix_millis(who.expires_at)},
      {"own_account", who.own_account}};
  if (!who.session.empty()) identity["session"] = who.session.str();
  if (!who.token.empty()) identity["token"] = who.token.str();
  if (!who.rooms.empty()) identity["rooms"] = to_array(who.rooms);
  return {{"valid", true}, {"identity", std::move(identity)}};
}

Result<VerifyAnswer> decode_verify_answer(const json::Object& body) {
  Reader read(body, Cause::INVALID_RESPONSE_FORMAT);
  const bool valid = read.flag("valid");
  if (!read.well()) return read.fault();
  const json::Object* inner = read.object(valid ? "identity" : "refusal");
  if (inner == nullptr) return read.fault();
  if (!valid) {
    auto refusal = decode_refusal(*inner);
    if (!refusal)
      return refuse_field(Cause::INVALID_RESPONSE_FORMAT, "refusal", "the refusal has no code that this version knows");
    return VerifyAnswer{std::unexpected(std::move(*refusal))};
  }
  Reader who(*inner, Cause::INVALID_RESPONSE_FORMAT);
  Identity out{.user = UserId{who.text("user")},
      .name = who.text("name"),
      .session = SessionId{who.text("session", false)},
      .token = TokenId{who.text("token", false)},
      .permissions = parse_scope(who.text("scope")),
      .issued_at = from_unix_millis(who.number("issued_at")),
      .expires_at = from_unix_millis(who.number("expires_at")),
      .own_account = who.flag("own_account"),
      .rooms = who.texts("rooms", false)};
  if (out.user.empty()) who.wrong("user", "a user's id");
  if (!who.well()) return who.fault();
  return VerifyAnswer{std::move(out)};
}

json::Object encode(const Refusal& refusal) {
  json::Object out{{"code", refusal.code()}};
  if (!refusal.evidence.empty()) out["evidence"] = refusal.evidence;
  if (!refusal.field.empty()) out["field"] = refusal.field;
  if (refusal.retry_after) out["retry_after_ms"] = refusal.retry_after->count();
  if (!refusal.attempts.empty()) {
    json::Array attempts;
    for (const auto& attempt : refusal.attempts) attempts.emplace_back(encode(attempt));
    out["attempts"] = std::move(attempts);
  }
  return out;
}

std::optional<Refusal> decode_refusal(const json::Object& object) {
  const auto code = json::get_string(object, "code");
  const auto cause = code ? find_cause(*code) : std::nullopt;
  if (!cause) return std::nullopt;
  Refusal out{.cause = *cause};
  out.evidence = printable(json::get_string(object, "evidence").value_or(""), 1024);
  out.field = printable(json::get_string(object, "field").value_or(""), 128);
  if (const auto wait = json::get_int(object, "retry_after_ms"); wait && *wait >= 0) out.retry_after = Millis{*wait};
  if (const auto* attempts = object.if_contains("attempts"); attempts != nullptr && attempts->is_array()) {
    for (const auto& value : attempts->as_array()) {
      if (!value.is_object() || out.attempts.size() == kMaxAttempts) return std::nullopt;
      auto attempt = decode_refusal(value.as_object());
      if (!attempt) return std::nullopt;
      out.attempts.push_back(std::move(*attempt));
    }
  }
  return out;
}

// ---- people

json::Object encode(const std::vector<PersonRequest>& questions) {
  const bool by_id = !questions.empty() && !questions.front().id.empty();
  json::Array list;
  for (const auto& question : questions) list.emplace_back(by_id ? question.id : question.name);
  json::Object out;
  out[by_id ? "ids" : "names"] = std::move(list);
  return out;
}

Result<std::vector<PersonRequest>> decode_people_question(const json::Object& body) {
  Reader read(body, Cause::BAD_REQUEST);
  const bool by_id = body.contains("ids");
  const std::string_view field = by_id ? "ids" : "names";
  read.only({field});
  const auto texts = read.texts(field);
  if (texts.size() > kMostPeople) read.wrong(field, fmt::format("at most {} of them", kMostPeople));
  std::vector<PersonRequest> out;
  for (const auto& text : texts) {
    if (text.empty() || text.size() > kMaxPersonBytes)
      read.wrong(field, fmt::format("an array of 1 to {} bytes each", kMaxPersonBytes));
    out.push_back(by_id ? PersonRequest{.id = text} : PersonRequest{.name = text});
  }
  if (!read.well()) return read.fault();
  return out;
}

json::Object encode(const std::vector<FoundPerson>& people) {
  json::Array list;
  for (const auto& found : people)
    list.emplace_back(json::Object{{"id", found.person.id.str()}, {"name", found.person.name}, {"asked", found.asked}});
  return {{"people", std::move(list)}};
}

Result<std::vector<FoundPerson>> decode_people_answer(const json::Object& body) {
  Reader read(body, Cause::INVALID_RESPONSE_FORMAT);
  std::vector<FoundPerson> out;
  for (const auto& each : read.array("people")) {
    if (!each.is_object()) {
      read.wrong("people", "an array of objects");
      break;
    }
    Reader person(each.as_object(), Cause::INVALID_RESPONSE_FORMAT);
    FoundPerson found{
        .asked = person.text("asked"), .person = {.id = UserId{person.text("id")}, .name = person.text("name")}};
    if (!person.well()) return person.fault();
    out.push_back(std::move(found));
  }
  if (!read.well()) return read.fault();
  return out;
}

// ---- revocations

json::Object encode(const RevocationRequest& question) {
  return {{"after", question.after}, {"wait_ms", question.wait.count()}};
}

Result<RevocationRequest> decode_revocation_question(const json::Object& body) {
  Reader read(body, Cause::BAD_REQUEST);
  read.only({"after", "wait_ms"});
  const RevocationRequest out{.after = read.number("after"), .wait = Millis{read.number("wait_ms", false)}};
  if (out.after < 0) read.wrong("after", "a cursor");
  if (out.wait < Millis{0} || out.wait > kLongestWait)
    read.wrong("wait_ms", fmt::format("from 0 to {}", kLongestWait.count()));
  if (!read.well()) return read.fault();
  return out;
}

json::Object encode(const RevocationAnswer& answer) {
  json::Array events;
  for (const auto& event : answer.events) {
    json::Object row{
        {"kind", kKinds[static_cast<std::size_t>(event.kind)]}, {"id", event.id}, {"at", unix_millis(event.at)}};
    if (event.reason != RevocationEvent::Reason::none) row["reason"] = kReasons[static_cast<std::size_t>(event.reason)];
    events.emplace_back(std::move(row));
  }
  json::Object out{{"stream", answer.stream}, {"cursor", answer.cursor}, {"events", std::move(events)}};
  if (answer.more) out["more"] = true;
  return out;
}

Result<RevocationAnswer> decode_revocation_answer(const json::Object& body) {
  Reader read(body, Cause::INVALID_RESPONSE_FORMAT);
  RevocationAnswer out{.stream = read.text("stream", false),
      .cursor = read.number("cursor"),
      .events = {},
      .more = read.flag("more", false)};
  for (const auto& value : read.array("events")) {
    if (!value.is_object()) {
      read.wrong("events", "an array of objects");
      break;
    }
    Reader row(value.as_object(), Cause::INVALID_RESPONSE_FORMAT);
    const auto kind = index_of(kKinds, row.text("kind"));
    const auto reason = index_of(kReasons, row.text("reason", false));
    if (!kind) row.wrong("kind", "token, session, before or user");
    if (!reason) row.wrong("reason", "disabled, enabled or deleted");
    RevocationEvent event{.kind = static_cast<RevocationEvent::Kind>(kind.value_or(0)),
        .id = row.text("id"),
        .at = from_unix_millis(row.number("at")),
        .reason = static_cast<RevocationEvent::Reason>(reason.value_or(0))};
    if (!row.well()) return row.fault();
    out.events.push_back(std::move(event));
  }
  if (!read.well()) return read.fault();
  return out;
}

// ---- challenge

json::Object encode(const Challenge& challenge) {
  json::Object out{{"contract", challenge.contract}, {"version", challenge.version}, {"build", challenge.build},
      {"environment", challenge.environment}, {"nonce", challenge.nonce},
      {"service_fingerprint", challenge.service_fingerprint}, {"kids", to_array(challenge.kids)}};
  if (!challenge.jwt_fingerprint.empty()) out["jwt_fingerprint"] = challenge.jwt_fingerprint;
  return out;
}

// Members added by a newer contract are accepted here: the version shows the difference.
Result<Challenge> decode_challenge(const json::Object& body) {
  Reader read(body, Cause::BAD_REQUEST);
  Challenge out{.contract = static_cast<int>(std::clamp<std::int64_t>(read.number("contract"), 0, 1'000'000)),
      .version = read.text("version", false),
      .build = read.text("build", false),
      .environment = read.text("environment", false),
      .nonce = read.text("nonce"),
      .service_fingerprint = read.text("service_fingerprint", false),
      .jwt_fingerprint = read.text("jwt_fingerprint", false),
      .kids = {}};
  if (serves_contract(out.contract)) out.kids = read.texts("kids");
  if (!read.well()) return read.fault();
  return out;
}

json::Object encode(const ChallengeAnswer& answer) {
  json::Array fingerprints;
  for (const auto& variant : answer.jwt_fingerprints)
    fingerprints.emplace_back(json::Object{{"variant", variant.variant}, {"fingerprint", variant.fingerprint}});
  return {{"contract", answer.contract}, {"version", answer.version}, {"build", answer.build},
      {"environment", answer.environment}, {"issuer", answer.issuer}, {"audience", answer.audience},
      {"time", unix_millis(answer.time)}, {"proof", answer.proof}, {"jwt_fingerprints", std::move(fingerprints)},
      {"kids", to_array(answer.kids)}, {"signing_kid", answer.signing_kid}};
}

Result<ChallengeAnswer> decode_challenge_answer(const json::Object& body) {
  Reader read(body, Cause::INVALID_RESPONSE_FORMAT);
  ChallengeAnswer out;
  out.contract = static_cast<int>(std::clamp<std::int64_t>(read.number("contract"), 0, 1'000'000));
  out.version = printable(read.text("version", false), 64);
  if (read.well() && out.contract != kContractVersion)
    return refuse(Cause::CONTRACT_MISMATCH,
        fmt::format("the auth service (version {}) speaks contract {}, this gateway speaks {}; the auth service is "
                    "upgraded first",
            out.version, out.contract, kContractVersion));
  out.build = printable(read.text("build", false), 64);
  out.environment = printable(read.text("environment", false), 64);
  out.issuer = printable(read.text("issuer", false), 512);
  out.audience = printable(read.text("audience", false), 512);
  out.time = from_unix_millis(read.number("time"));
  out.proof = read.text("proof");
  out.kids = read.texts("kids");
  out.signing_kid = read.text("signing_kid", false);
  for (const auto& value : read.array("jwt_fingerprints")) {
    if (!value.is_object()) {
      read.wrong("jwt_fingerprints", "an array of objects");
      break;
    }
    Reader row(value.as_object(), Cause::INVALID_RESPONSE_FORMAT);
    SecretVariant variant{.variant = printable(row.text("variant"), 64), .fingerprint = row.text("fingerprint")};
    if (!row.well()) return row.fault();
    out.jwt_fingerprints.push_back(std::move(variant));
  }
  if (!read.well()) return read.fault();
  return out;
}

std::string challenge_proof(std::string_view service_key, std::string_view nonce) {
  return base64url_encode(hmac_sha256(service_key, "foyer-challenge-v1\n" + std::string(nonce)));
}

} // namespace foyer::auth
