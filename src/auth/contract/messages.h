// The messages between the gateway and the auth service, as values and as JSON.
// Both sides use these functions and nothing else, so that a field has one name.
// All requests are POST with a JSON object, signed (signature.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/contract/auth_service.h"
#include "base/json.h"

namespace foyer::auth {

inline constexpr std::string_view kVerifyPath = "/internal/verify";
inline constexpr std::string_view kChallengePath = "/internal/challenge";
inline constexpr std::string_view kPeoplePath = "/internal/people";
inline constexpr std::string_view kRevocationsPath = "/internal/revocations";

// ---- /internal/verify
//
//   {"kind":"ticket","ticket","origin"?,"address","attempt"}  {"kind":"cookie","cookie","address"}
//   → {"valid":true,"identity":{"user","name","session"?,"token"?,"scope","issued_at","expires_at","own_account",
//     "rooms"?}}
//   times in ms → {"valid":false,"refusal":{"code","evidence"?,"field"?,"retry_after_ms"?,"attempts"?}}
//
// The ref is sent in the signed header, not in the body.
using Question = std::variant<TicketRequest, CookieRequest>;
[[nodiscard]] json::Object encode(const Question& question);
[[nodiscard]] Result<Question> decode_question(
    const json::Object& body, Ref ref); // BAD_REQUEST with the field; unknown members are refused

[[nodiscard]] json::Object encode(const Result<Identity>& answer);
struct VerifyAnswer {
  Result<Identity> identity; // as answered by the auth service
};
// An error says why this is not a valid answer: INVALID_RESPONSE_FORMAT.
[[nodiscard]] Result<VerifyAnswer> decode_verify_answer(const json::Object& body);

// A complete refusal, as sent between processes.
[[nodiscard]] json::Object encode(const Refusal& refusal);
[[nodiscard]] std::optional<Refusal> decode_refusal(const json::Object& object); // nullopt: an unknown code

// ---- /internal/people: looks up accounts
//
//   {"ids":[…]} or {"names":[…]}, at most kMostPeople → {"people":[{"id","name","asked"}]}
//
// `asked` is the id or the name from the request. Unknown people are omitted.
inline constexpr std::size_t kMostPeople = 100;
inline constexpr std::size_t kMaxPersonBytes = 256;                             // of an id or a name
[[nodiscard]] json::Object encode(const std::vector<PersonRequest>& questions); // all by id, or all by name
[[nodiscard]] Result<std::vector<PersonRequest>> decode_people_question(const json::Object& body);
struct FoundPerson {
  std::string asked;
  Person person;
};
[[nodiscard]] json::Object encode(const std::vector<FoundPerson>& people);
[[nodiscard]] Result<std::vector<FoundPerson>> decode_people_answer(
    const json::Object& body); // INVALID_RESPONSE_FORMAT

// ---- /internal/revocations
//
//   {"after":CURSOR,"wait_ms":25000} →
//   {"stream","cursor","events":[{"kind":"token|session|before|user","id","at","reason"?:"disabled|enabled|deleted"}]}
//   at in ms
//
// `stream` names the table: when it changes (another database), begin again with 0.
struct RevocationRequest {
  std::int64_t after = 0;
  Millis wait{0}; // answered at once when there are events, otherwise after so long; at most kLongestWait
};
inline constexpr Millis kLongestWait{25'000};
struct RevocationAnswer {
  std::string stream = {};
  std::int64_t cursor = 0;
  std::vector<RevocationEvent> events = {};
  bool more = false; // poll again at once; absent = false
};
[[nodiscard]] json::Object encode(const RevocationRequest& question);
[[nodiscard]] Result<RevocationRequest> decode_revocation_question(const json::Object& body);
[[nodiscard]] json::Object encode(const RevocationAnswer& answer);
[[nodiscard]] Result<RevocationAnswer> decode_revocation_answer(const json::Object& body); // INVALID_RESPONSE_FORMAT

// ---- /internal/challenge: are these two processes compatible?
//
//   {"contract","version","build","environment","nonce","service_fingerprint","jwt_fingerprint"?,"kids":[…]}
//   →
//   {"contract","version","build","environment","issuer","audience","time","proof","jwt_fingerprints":[{"variant","fingerprint"}],"kids":[…],"signing_kid"}
//   time in ms
//
// `proof` is base64url(HMAC-SHA256(k, "foyer-challenge-v1\n" + nonce)): the auth service knows the secret, too.
struct SecretVariant {
  std::string variant = {};     // "as it is", "plus a newline", …: variants.h
  std::string fingerprint = {}; // 8 hex digits
};
struct Challenge {
  int contract = kContractVersion;
  std::string version = {};
  std::string build = {};
  std::string environment = {};
  std::string nonce = {};
  std::string service_fingerprint = {}; // of the gateway's SERVICE_SECRET
  std::string jwt_fingerprint = {};     // of its JWT_SECRET_KEY; empty: it verifies with public keys
  std::vector<std::string> kids = {};   // that it verifies with; empty for a shared secret
};
struct ChallengeAnswer {
  int contract = kContractVersion;
  std::string version = {};
  std::string build = {};
  std::string environment = {};
  std::string issuer = {}; // issuer and audience of the tokens that it makes; both empty from an older build
  std::string audience = {};
  WallTime time{};
  std::string proof = {};
  std::vector<SecretVariant> jwt_fingerprints =
      {}; // of its JWT_SECRET_KEY and of common copying mistakes; empty: it signs with a key pair
  std::vector<std::string> kids = {}; // that it publishes
  std::string signing_kid = {};       // that it signs with now; empty for a shared secret
};
[[nodiscard]] json::Object encode(const Challenge& challenge);
[[nodiscard]] Result<Challenge> decode_challenge(const json::Object& body);
[[nodiscard]] json::Object encode(const ChallengeAnswer& answer);
[[nodiscard]] Result<ChallengeAnswer> decode_challenge_answer(
    const json::Object& body); // INVALID_RESPONSE_FORMAT; CONTRACT_MISMATCH for another `contract`
[[nodiscard]] std::string challenge_proof(std::string_view service_key, std::string_view nonce);

} // namespace foyer::auth
