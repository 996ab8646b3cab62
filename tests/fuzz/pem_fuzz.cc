// Keys and certificates in PEM: what was read is the same key when written.
#include <string>

#include "base/bytes.h"
#include "config/tls_files.h"
#include "fuzz.h"
#include "jose/jwk.h"

using namespace foyer;

FUZZER(pem) {
  if (const auto key = jose::Key::parse_pem(input)) {
    const auto again = jose::Key::parse_pem(key->to_pem());
    invariant(
        again.has_value() && again->thumbprint() == key->thumbprint() && again->has_private() == key->has_private(),
        "a key that is written is the same when read");
    invariant(key->public_part().to_pem().find("PRIVATE") == std::string::npos, "nothing secret is published");
    const auto as_jwk = jose::Key::from_jwk(key->has_private() ? key->private_jwk() : key->public_jwk());
    invariant(as_jwk.has_value() && as_jwk->thumbprint() == key->thumbprint(), "it is the same key as a JWK");
  } else {
    invariant(key.error().cause == Cause::KEY_UNREADABLE || key.error().cause == Cause::WEAK_KEY,
        "a key that cannot be used is KEY_UNREADABLE, one that must not be is WEAK_KEY");
    invariant(!key.error().evidence.empty() && is_utf8(key.error().evidence), "and says why");
  }
  const auto half = input.size() / 2;
  for (const auto& [first, second] : {std::pair{input, input}, std::pair{input.substr(0, half), input.substr(half)}}) {
    const std::string_view certificate = first, key = second;
    config::Config asked;
    asked.tls_cert_file = "certificate";
    asked.tls_key_file = "key";
    asked.tls_client_ca_file = "certificate";
    const config::ReadFile read = [&certificate, &key](
                                      const std::string& path) -> std::expected<config::FileText, std::string> {
      return config::FileText{std::string(path == "key" ? key : certificate)};
    };
    const auto bundle = config::read_tls(asked, read, from_unix_seconds(1'800'000'000));
    for (const auto& fault : bundle.faults)
      invariant(!fault.message.empty() && is_utf8(fault.message), "a file that cannot be served is told");
    invariant(!bundle.usable() || bundle.pairs.front().expires, "what is served has an end");
  }
}
