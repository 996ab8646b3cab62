// One-time passwords: a code belongs to one step near now; what is shown to an
// authenticator is what it was made of.
#include <string>

#include "accounts/factor/totp.h"
#include "base/http.h"
#include "fuzz.h"

using namespace foyer;
using namespace foyer::accounts;

namespace {

std::string base32_decode(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = (bits << 5U | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26)) & 0xffffU;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xffU);
  }
  return out;
}

} // namespace

FUZZER(totp) {
  fuzz::Bytes bytes(input);
  const WallTime now = from_unix_seconds(bytes.word());
  const std::string_view secret = bytes.text();
  const std::string_view account = bytes.text();
  const std::string_view code = bytes.rest();
  const std::int64_t step = totp_step(now);
  for (const std::string_view typed : {code, code.substr(0, 6)}) {
    const auto found = match_totp(secret, typed, now);
    if (!found) continue;
    invariant(
        typed.size() == 6 && typed.find_first_not_of("0123456789") == std::string_view::npos, "a code is six digits");
    invariant(*found >= step - kTotpWindow && *found <= step + kTotpWindow, "of a step near now");
    invariant(hotp(secret, *found) == typed, "whose code it is");
  }
  invariant(match_totp(secret, hotp(secret, step), now).has_value(), "the code of now is taken");
  invariant(hotp(secret, step).size() == 6 && hotp(secret, -step, 8).size() == 8, "a code has its zeros");
  const std::string shown = base32_encode(secret);
  invariant(base32_decode(shown) == secret, "a secret arrives as it is");
  const std::string uri = totp_uri(code, account, secret);
  invariant(std::ranges::all_of(uri, [](char c) { return c > ' ' && c < 0x7f; }), "a URI is visible ASCII");
  invariant(uri.starts_with("otpauth://totp/") && uri.find("?secret=" + shown + "&") != std::string::npos,
      "and holds the secret once");
  invariant(percent_decode(uri.substr(15, uri.find('?') - 15)) == std::string(code) + ":" + std::string(account),
      "and whom it is for");
}
