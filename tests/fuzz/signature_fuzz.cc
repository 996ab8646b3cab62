// How a service signs a request. The first byte says what is changed after signing,
// the rest is the request: signed it is believed, changed it is not.
#include <string>

#include "auth/contract/signature.h"
#include "base/bytes.h"
#include "fuzz.h"
#include "wire/http_parser.h"

using namespace foyer;
using namespace foyer::auth;

namespace {

void check_refusal(const Refusal& refusal) {
  invariant(refusal.cause == Cause::SERVICE_CREDENTIALS_MISSING,
      "a claim that cannot be read is SERVICE_CREDENTIALS_MISSING");
  invariant(!refusal.evidence.empty() && !refusal.field.empty() && is_utf8(refusal.evidence), "and says why");
}

// Changes one thing that the signature covers; false if it is the same as before.
bool change(Request& request, unsigned what, const std::string& text) {
  const auto set = [&](std::string_view header) {
    const std::string* value = request.headers.find(header);
    if ((value == nullptr && text.empty()) || (value != nullptr && *value == text)) return false;
    request.headers.set(header, text);
    return true;
  };
  switch (what % 9U) {
    case 0: return request.method != std::exchange(request.method, text);
    case 1: return request.path != std::exchange(request.path, text) && text.find('?') == std::string::npos;
    case 2: return request.query != std::exchange(request.query, text);
    case 3: return request.body != std::exchange(request.body, text);
    case 4: return set(kServiceIdHeader);
    case 5: return set(kServiceNonceHeader);
    case 6: return set(kClientAddressHeader);
    case 7: return set(kClientRefHeader);
    default: return set(kClientOriginHeader);
  }
}

} // namespace

FUZZER(signature) {
  static const ServiceIdentity identity("gateway-1", "the secret of the fuzzer, 32 bytes or more");
  fuzz::Bytes bytes(input);
  const std::uint8_t what = bytes.byte();
  const std::string text(bytes.text());
  const wire::HttpLimits limits;
  wire::HttpParser parser(limits);
  parser.feed(bytes.rest());
  if (parser.state() != wire::HttpParser::State::complete) return;
  Request request = parser.request();

  // As it came: nobody signed it.
  if (const auto claim = read_claim(request)) {
    invariant(claim->time_ms >= 0 && claim->nonce.size() >= 16 && claim->nonce.size() <= 64 && !claim->id.empty(),
        "a claim is of its form");
    invariant(!signed_with(request, *claim, identity.key()), "nobody signs without the key");
  } else {
    check_refusal(claim.error());
  }

  FixedEntropy entropy;
  const std::string target = request.query.empty() ? request.path : request.path + '?' + request.query;
  identity.sign(request.headers, request.method, target, request.body,
      {.address = "192.0.2.1", .ref = "ref-1", .origin = "https://chat.example"}, from_unix_seconds(1'700'000'000),
      entropy);
  const auto claim = read_claim(request);
  invariant(claim.has_value() && signed_with(request, *claim, identity.key()), "what was signed is believed");
  invariant(!signed_with(request, *claim, service_key("another secret")), "but with no other key");
  if (!change(request, what, text)) return;
  const auto changed = read_claim(request);
  if (!changed) return check_refusal(changed.error());
  invariant(text.find('\n') != std::string::npos || !signed_with(request, *changed, identity.key()),
      "what was changed is not believed");
}
