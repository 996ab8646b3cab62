// Messages between gateway and auth service: what was read means the same when it is
// written and read again; what is none of ours has a cause and nothing else.
#include <string>

#include "auth/contract/messages.h"
#include "base/bytes.h"
#include "base/json.h"
#include "fuzz.h"

using namespace foyer;
using namespace foyer::auth;

namespace {

void check_refusal(const Refusal& refusal, Cause cause) {
  invariant(refusal.cause == cause || refusal.cause == Cause::CONTRACT_MISMATCH, "what is none of ours has its cause");
  invariant(!refusal.evidence.empty() && is_utf8(refusal.evidence) && is_utf8(refusal.field), "and says why");
}

// Reads, writes, and reads again; from then on nothing changes.
template <class Decode, class Encode>
void check(const json::Object& object, Cause cause, Decode decode, Encode encode_again) {
  const auto first = decode(object);
  if (!first) return check_refusal(first.error(), cause);
  const json::Object written = encode_again(*first);
  const auto text = json::parse(json::write(written), {.bytes = 1 << 22, .depth = 32});
  invariant(text.has_value() && text->is_object(), "what is written is JSON");
  const auto second = decode(text->get_object());
  invariant(second.has_value(), "what was written can be read");
}

void check_refusals(const Refusal& refusal, int depth) {
  invariant(is_utf8(refusal.evidence) && is_utf8(refusal.field), "a refusal of another process can be logged");
  for (const char c : refusal.evidence + refusal.field)
    invariant(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "and holds no control character");
  invariant(!refusal.retry_after || refusal.retry_after->count() >= 0, "nobody waits for the past");
  invariant(refusal.attempts.size() <= 10 && depth <= 32, "and is bounded");
  for (const Refusal& attempt : refusal.attempts) check_refusals(attempt, depth + 1);
}

} // namespace

FUZZER(contract) {
  const auto value = json::parse(input, {.bytes = 1 << 16, .depth = 16});
  if (!value || !value->is_object()) return;
  const json::Object& object = value->get_object();
  check(object, Cause::BAD_REQUEST, [](const json::Object& o) { return decode_question(o, Ref{"ref-1"}); },
      [](const Question& q) { return encode(q); });
  check(object, Cause::INVALID_RESPONSE_FORMAT, decode_verify_answer,
      [](const VerifyAnswer& a) { return encode(a.identity); });
  check(object, Cause::BAD_REQUEST, decode_revocation_question, [](const RevocationRequest& q) { return encode(q); });
  check(object, Cause::INVALID_RESPONSE_FORMAT, decode_revocation_answer,
      [](const RevocationAnswer& a) { return encode(a); });
  check(object, Cause::BAD_REQUEST, decode_challenge, [](const Challenge& c) { return encode(c); });
  check(object, Cause::INVALID_RESPONSE_FORMAT, decode_challenge_answer,
      [](const ChallengeAnswer& a) { return encode(a); });

  if (const auto refusal = decode_refusal(object)) check_refusals(*refusal, 0);
  if (const auto answer = decode_verify_answer(object); answer && answer->identity) {
    const Identity& who = *answer->identity;
    const auto again = decode_verify_answer(encode(answer->identity));
    invariant(again && again->identity && again->identity->user == who.user && again->identity->name == who.name &&
            again->identity->session == who.session && again->identity->token == who.token &&
            again->identity->permissions == who.permissions && again->identity->expires_at == who.expires_at &&
            again->identity->issued_at == who.issued_at && again->identity->own_account == who.own_account,
        "an identity arrives whole");
    invariant(!who.user.empty(), "an identity has a user");
  }
  if (const auto answer = decode_revocation_answer(object)) {
    const auto again = decode_revocation_answer(encode(*answer));
    invariant(again && again->events.size() == answer->events.size() && again->cursor == answer->cursor &&
            again->stream == answer->stream && again->more == answer->more,
        "revocations arrive whole");
    for (std::size_t i = 0; again && i < answer->events.size(); ++i)
      invariant(again->events[i].id == answer->events[i].id && again->events[i].kind == answer->events[i].kind &&
              again->events[i].at == answer->events[i].at && again->events[i].reason == answer->events[i].reason,
          "each of them");
  }
  if (const auto question = decode_revocation_question(object))
    invariant(
        question->after >= 0 && question->wait >= Millis{0} && question->wait <= kLongestWait, "nobody waits too long");
}
