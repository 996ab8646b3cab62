// Tokens: what is taken apart can be put together again and is the same text; a
// refusal has a cause of its step; and claims of any shape, well signed, end in
// one of the causes of verification.
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "fuzz.h"
#include "jose/fields.h"
#include "jose/jws.h"
#include "jose/verifier.h"

using namespace foyer;

namespace {

const jose::Key& key() {
  static const jose::Key made = *jose::Key::from_secret("the secret of the fuzzer, 32 bytes or more");
  return made;
}

const jose::Verifier& verifier() {
  static const jose::Verifier made{*jose::KeySet::of(key()), {.issuer = "i", .audience = "a", .environment = "test"}};
  return made;
}

void check_refusal(const Refusal& refusal) {
  invariant(refusal.step() == Step::credential_form || refusal.step() == Step::credential_valid,
      "a token is refused for its form or its validity");
  invariant(!refusal.evidence.empty(), "a refusal says why");
  invariant(is_utf8(refusal.evidence), "evidence can be logged");
}

} // namespace

FUZZER(jwt) {
  const WallTime now = from_unix_seconds(1'800'000'000);

  if (const auto jws = jose::parse_compact(input)) {
    const auto again = base64url_encode(jws->header.json) + "." + base64url_encode(jws->payload) + "." +
        base64url_encode(jws->signature);
    invariant(again == input, "a token has one form");
    invariant(jws->signing_input.size() + 1 + base64url_encode(jws->signature).size() == input.size(),
        "all but the signature is signed");
  } else {
    check_refusal(jws.error());
    invariant(jws.error().cause == Cause::INVALID_FORMAT, "what cannot be taken apart is INVALID_FORMAT");
  }
  if (const auto accepted = verifier().verify(input, now); !accepted) check_refusal(accepted.error());

  // The same bytes as claims, under a good signature.
  const auto token = jose::sign_compact(key(), "at+jwt", input);
  const auto verified = verifier().verify(token, now);
  if (verified) {
    const auto& identity = verified->identity;
    invariant(!identity.user.empty() && identity.user.str().size() <= 128 && !identity.name.empty(),
        "who is accepted has an id and a name");
    invariant(identity.expires_at + Millis{30'000} > now && identity.issued_at <= now + Millis{30'000},
        "and a time that holds");
  } else {
    check_refusal(verified.error());
  }
  jose::Fields fields;
  if (fields.parse(input)) {
    const auto value = json::parse(input);
    if (!value && value.error().find("exponent") != std::string::npos)
      return; // of more than 31 bits is zero to one reader and an error to the other
    invariant(value.has_value() && value->is_object(), "what is read strictly here is an object everywhere");
    invariant(value->get_object().size() == fields.all().size(), "with as many members");
  }
}
