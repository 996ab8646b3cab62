// The formats of OAuth 2.0 for /oauth2/*: forms in, errors out, and client
// authentication. The decisions are in oauth_routes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::accounts {

// A refusal as an OAuth error (RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 8707 §2).
struct OAuthFault {
  std::string_view error = {}; // invalid_request, invalid_client, …
  Refusal refusal = {};
  bool basic = false; // the client used Basic: the 401 must have WWW-Authenticate
};
template <class T>
using OAuthResult = std::expected<T, OAuthFault>;

// Parameters of an application/x-www-form-urlencoded body. Empty ones count as absent
// (RFC 6749 §3.1), unknown ones are ignored (§3.2), repeated ones are refused.
using Form = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] OAuthResult<Form> read_form(const Request& request);
[[nodiscard]] std::optional<std::string> find(const Form& form, std::string_view name);
// Decodes one name or value: + is a space (WHATWG URL §5.1).
[[nodiscard]] std::optional<std::string> form_decode(std::string_view text);

// How the client authenticates (RFC 6749 §2.3). Nothing is verified yet.
struct ClientClaim {
  enum class By : std::uint8_t {
    nothing, // a public client; `id` may be present
    basic,   // HTTP Basic
    body,    // client_id and client_secret
  } by = By::nothing;
  std::string id = {};
  std::string secret = {};
  // Basic without form encoding, as `curl -u` sends it, if that reads differently.
  std::optional<std::pair<std::string, std::string>> as_written = {};
};
// invalid_request when the client authenticates twice or in two ways, invalid_client when the header is not Basic.
[[nodiscard]] OAuthResult<ClientClaim> read_client(const Request& request, const Form& form);

// {"error","error_description"}, the description beginning with our code. `reveal`: includes the evidence.
[[nodiscard]] Response oauth_error(const OAuthFault& fault, bool reveal);
[[nodiscard]] Response oauth_answer(int status, std::string json);

// A refusal that is the server's fault and not the client's: 5xx and 429, reported as such.
[[nodiscard]] bool is_ours(const Refusal& refusal);
// `refusal` as `error`, unless it is our fault.
[[nodiscard]] OAuthFault fault_of(std::string_view error, Refusal refusal, bool basic = false);
// A refusal of authenticate() or authenticate_secret(): invalid_client, unless it is our fault.
[[nodiscard]] OAuthFault client_fault(Refusal refusal, bool basic);

} // namespace foyer::accounts
