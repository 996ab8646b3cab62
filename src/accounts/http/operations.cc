#include "accounts/http/operations.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "accounts/http/admin_routes.h"
#include "accounts/keys/signing_keys.h"
#include "accounts/model/names.h"
#include "accounts/policy.h"

namespace foyer::accounts {
namespace {

using enum MemberType;

constexpr std::int64_t seconds_of(Millis time) { return std::chrono::floor<std::chrono::seconds>(time).count(); }
constexpr std::string_view kAccounts = "accounts";
constexpr std::string_view kAdministration = "administration";
constexpr std::string_view kOAuth = "oauth2";

// ---- members that several operations have

Member password(std::string_view about = "The password of the account.") {
  return {.name = "password", .required = true, .about = about, .format = "password"};
}
Member new_password(std::string_view name, std::string_view about) {
  return {.name = name, .required = true, .about = about, .min = kMinPasswordCharacters, .format = "password"};
}
// What check_serialised_origin accepts, but for uncommon ports and forms of IPv6 addresses.
constexpr std::string_view kOrigin =
    R"(^(?:null|(?:https?|wss?)://(?:(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)"
    R"(|(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])|\[::1\]))"
    R"((?::(?:[1-9][0-9]{3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?)$)";
constexpr std::string_view kOfApp = "A code of the authenticator app.";
Member totp(bool required, std::string_view about = "A code of the authenticator app, or a recovery code.") {
  return {.name = "totp", .required = required, .about = about};
}
const Member kCookie{.name = "cookie",
    .type = flag,
    .about = "Also starts a session in an HttpOnly cookie, for a page of an allowed origin."};
const Member kLimit{.name = "limit",
    .type = number,
    .about = "How many rows at most.",
    .min = 1,
    .max = static_cast<std::int64_t>(kLongestAdminPage)};

const Answer kNothing{204, "Done."};

// The causes of everything that hashes a password.
constexpr Cause kGuessing[] = {Cause::CREDENTIALS_REJECTED, Cause::LOGIN_LOCKED};
constexpr Cause kNewPassword[] = {
    Cause::PASSWORD_TOO_SHORT, Cause::PASSWORD_TOO_LONG, Cause::PASSWORD_COMMON, Cause::PASSWORD_CHARACTER};

std::vector<Cause> causes(std::initializer_list<std::span<const Cause>> groups, std::vector<Cause> more = {}) {
  for (const auto group : groups) more.insert(more.end(), group.begin(), group.end());
  return more;
}

// ---- /auth

std::vector<Operation> signing_in() {
  return {
      {.method = "POST",
          .path = "/auth/register",
          .tag = kAccounts,
          .summary = "Create an account and sign in",
          .about = "Possible while registration is open, or with an invitation.",
          .form = BodyForm::json,
          .body = {{.name = "name",
                       .required = true,
                       .about = "1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit.",
                       .pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"},
              new_password("password", "At least 8 characters; common passwords are refused."),
              {.name = "email",
                  .about = "An e-mail address of at most 254 bytes; stored, not verified.",
                  .pattern = R"(^$|^[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+$)"},
              {.name = "invitation", .about = "Required where registration is by invitation."}, kCookie},
          .answers = {{201, "The account exists, and this is its first session.", "SignedIn"}},
          .causes = causes({kNewPassword},
              {Cause::NAME_INVALID, Cause::NAME_RESERVED, Cause::NAME_TAKEN, Cause::REGISTRATION_CLOSED,
                  Cause::INVITATION_REJECTED, Cause::ORIGIN_NOT_ALLOWED})},
      {.method = "POST",
          .path = "/auth/login",
          .tag = kAccounts,
          .summary = "Sign in",
          .form = BodyForm::json,
          .body = {{.name = "name", .required = true}, password(), totp(false), kCookie},
          .answers = {{200, "A new session.", "SignedIn"}},
          .causes = causes({kGuessing},
              {Cause::TOTP_REQUIRED, Cause::TOTP_REJECTED, Cause::USER_DISABLED, Cause::ORIGIN_NOT_ALLOWED})},
      {.method = "POST",
          .path = "/auth/refresh",
          .tag = kAccounts,
          .summary = "Get a new access token",
          .about = "By refresh token, which is replaced, or by the session cookie.",
          .credential = Credential::cookie_or_token,
          .form = BodyForm::json,
          .body = {{.name = "refresh_token", .about = "Absent: the session cookie is used."}},
          .answers = {{200, "A new access token, and with a refresh token its successor.", "SignedIn"}},
          .causes = {Cause::REFRESH_UNKNOWN, Cause::REFRESH_EXPIRED, Cause::REFRESH_REUSED, Cause::SESSION_EXPIRED,
              Cause::ORIGIN_REQUIRED, Cause::ORIGIN_NOT_ALLOWED}},
      {.method = "POST",
          .path = "/auth/logout",
          .tag = kAccounts,
          .summary = "End this session",
          .about = "Its access tokens end and its sockets close.",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .answers = {kNothing}},
      {.method = "GET",
          .path = "/auth/check",
          .tag = kAccounts,
          .summary = "Check a request for a proxy (forward auth)",
          .about = "Answers for the credentials of the request that the proxy holds: the Authorization header, the "
                   "subprotocol bearer.TOKEN, ?ticket= in X-Forwarded-Uri or X-Original-URI, or the session cookie. "
                   "A ticket is not used up.",
          .credential = Credential::cookie_or_token,
          .answers = {{204, "The request may pass; X-Foyer-User holds the user's id."}},
          .causes = {Cause::TICKET_UNKNOWN, Cause::TICKET_EXPIRED, Cause::TICKET_USED, Cause::SESSION_EXPIRED,
              Cause::ORIGIN_NOT_ALLOWED, Cause::ORIGIN_REQUIRED}},
      {.method = "POST",
          .path = "/auth/tickets",
          .tag = kAccounts,
          .summary = "Get a ticket for one WebSocket",
          .about = "For clients that can set no header: the ticket is used once, in the URL, within its life.",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .body = {{.name = "origin",
                       .about = "The only origin that may use it; absent: that of this request.",
                       .pattern = kOrigin},
              {.name = "bind_address", .type = flag, .about = "Only this client's address may use it."},
              {.name = "ttl",
                  .type = number,
                  .about = "Seconds.",
                  .min = 1,
                  .max = seconds_of(AccountsPolicy{}.longest_ticket_ttl)}},
          .answers = {{201, "The ticket, and the address to connect to.", "Ticket"}},
          .causes = {Cause::ORIGIN_NOT_ALLOWED}},
  };
}

std::vector<Operation> own_account() {
  return {
      {.method = "GET",
          .path = "/auth/me",
          .tag = kAccounts,
          .summary = "Who am I?",
          .credential = Credential::bearer,
          .answers = {{200, "The user of the token.", "Me"}}},
      {.method = "DELETE",
          .path = "/auth/me",
          .tag = kAccounts,
          .summary = "Delete the account",
          .about = "Messages keep their text and lose the name; the user leaves all rooms.",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .body = {password()},
          .answers = {kNothing},
          .causes = causes({kGuessing})},
      {.method = "POST",
          .path = "/auth/password",
          .tag = kAccounts,
          .summary = "Change the password",
          .about = "All other sessions end.",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .body = {password("The present password."), new_password("new_password", "As for /auth/register.")},
          .answers = {kNothing},
          .causes = causes({kGuessing, kNewPassword})},
      {.method = "GET",
          .path = "/auth/sessions",
          .tag = kAccounts,
          .summary = "List my sessions",
          .credential = Credential::bearer,
          .answers = {{200, "The sessions of the user that have not ended.", "Sessions"}}},
      {.method = "DELETE",
          .path = "/auth/sessions",
          .tag = kAccounts,
          .summary = "End all my sessions",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .query = {{.name = "others", .type = flag, .about = "true: all but this one."}},
          .answers = {kNothing}},
      {.method = "GET",
          .path = "/auth/sessions/{id}",
          .tag = kAccounts,
          .summary = "One of my sessions",
          .credential = Credential::bearer,
          .answers = {{200, "The session.", "Session"}},
          .causes = {Cause::NOT_FOUND}},
      {.method = "DELETE",
          .path = "/auth/sessions/{id}",
          .tag = kAccounts,
          .summary = "End one of my sessions",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .answers = {kNothing},
          .causes = {Cause::NOT_FOUND}},
  };
}

std::vector<Operation> second_factor() {
  const Answer codes{200, "Ten codes; each is valid once, in place of the app.", "RecoveryCodes"};
  return {
      {.method = "POST",
          .path = "/auth/totp",
          .tag = kAccounts,
          .summary = "Begin a second factor",
          .about = "It counts only after it was confirmed.",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .body = {password()},
          .answers = {{201, "The secret for an authenticator app.", "PendingFactor"}},
          .causes = causes({kGuessing}, {Cause::TOTP_ALREADY_ON})},
      {.method = "POST",
          .path = "/auth/totp/confirm",
          .tag = kAccounts,
          .summary = "Confirm the second factor",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .body = {totp(true, kOfApp)},
          .answers = {codes},
          .causes = {Cause::TOTP_REJECTED, Cause::TOTP_ALREADY_ON, Cause::LOGIN_LOCKED, Cause::NOT_FOUND}},
      {.method = "POST",
          .path = "/auth/totp/recovery",
          .tag = kAccounts,
          .summary = "Get new recovery codes",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .body = {totp(true, kOfApp)},
          .answers = {codes},
          .causes = {Cause::TOTP_REJECTED, Cause::LOGIN_LOCKED, Cause::NOT_FOUND}},
      {.method = "DELETE",
          .path = "/auth/totp",
          .tag = kAccounts,
          .summary = "Remove the second factor",
          .credential = Credential::bearer,
          .form = BodyForm::json,
          .body = {totp(true)},
          .answers = {kNothing},
          .causes = {Cause::TOTP_REJECTED, Cause::LOGIN_LOCKED, Cause::NOT_FOUND}},
  };
}

std::vector<Operation> administration() {
  const auto admin = [](std::string_view method, std::string_view path, std::string_view summary, Answer answer) {
    return Operation{.method = method,
        .path = path,
        .tag = kAdministration,
        .summary = summary,
        .about = "For a user with the scope admin.",
        .credential = Credential::bearer,
        .form = method == "GET" ? BodyForm::none : BodyForm::json,
        .answers = {answer},
        .causes = {Cause::PERMISSION_DENIED}};
  };
  Operation users = admin("GET", "/auth/admin/users", "List users", {200, "A page of users.", "Users"});
  users.query = {{.name = "after", .about = "`next` of the page before."}, kLimit};
  Operation audit = admin("GET", "/auth/admin/audit", "Read the audit log", {200, "The latest rows.", "Audit"});
  audit.query = {kLimit};
  Operation rotate = admin("POST", "/auth/admin/keys/rotate", "Add a signing key", {201, "The new key.", "SigningKey"});
  rotate.body = {{.name = "publish_for",
      .type = number,
      .about = "Seconds until it signs.",
      .min = 0,
      .max = seconds_of(kLongestPublishAhead)}};
  rotate.causes = {Cause::PERMISSION_DENIED, Cause::ROTATION_UNSUPPORTED};
  std::vector<Operation> out{std::move(users), std::move(audit), std::move(rotate),
      admin("GET", "/auth/admin/services", "List services", {200, "All services.", "Services"}),
      admin("GET", "/auth/admin/keys", "List signing keys", {200, "All signing keys.", "SigningKeys"})};
  for (auto change : {admin("POST", "/auth/admin/users/{id}/disable", "Disable a user", kNothing),
           admin("POST", "/auth/admin/users/{id}/enable", "Enable a user", kNothing),
           admin("DELETE", "/auth/admin/users/{id}", "Delete a user", kNothing)}) {
    change.causes.push_back(Cause::NOT_FOUND);
    out.push_back(std::move(change));
  }
  return out;
}

// ---- /oauth2

std::vector<Operation> oauth() {
  const Member token{.name = "token", .required = true, .about = "An access token or a refresh token.", .min = 1};
  const Member hint{.name = "token_type_hint", .about = "Ignored: the form of a token says what it is."};
  const Member id{.name = "client_id", .about = "A registered service, unless it authenticates by HTTP Basic."};
  const Member secret{.name = "client_secret"};
  constexpr std::string_view kIdWithSecret =
      R"({"if":{"required":["client_secret"],"properties":{"client_secret":{"minLength":1}}},)"
      R"("then":{"required":["client_id"],"properties":{"client_id":{"minLength":1}}}})";
  constexpr std::string_view kOfGrant =
      R"({"allOf":[{"if":{"properties":{"grant_type":{"const":"refresh_token"}}},)"
      R"("then":{"required":["refresh_token"],"properties":{"refresh_token":{"minLength":1}}}},)"
      R"({"if":{"required":["client_secret"],"properties":{"client_secret":{"minLength":1}}},)"
      R"("then":{"required":["client_id"],"properties":{"client_id":{"minLength":1}}}}]})";
  const std::vector<Answer> refused = {
      {400, "An OAuth error; error_description begins with the code of the cause.", "OAuthError"},
      {401, "The client did not authenticate: invalid_client.", "OAuthError"}};
  const auto answers = [&](Answer first) {
    std::vector<Answer> out{first};
    out.insert(out.end(), refused.begin(), refused.end());
    for (const int status : {429, 503}) out.push_back({status, "temporarily_unavailable or slow_down.", "OAuthError"});
    return out;
  };
  return {
      {.method = "POST",
          .path = "/oauth2/token",
          .tag = kOAuth,
          .summary = "Get a token",
          .about = "client_credentials: a token for one service that the client may call. refresh_token: as "
                   "/auth/refresh. RFC 6749.",
          .credential = Credential::client,
          .form = BodyForm::form,
          .body = {{.name = "grant_type",
                       .required = true,
                       .schema = R"({"enum":["client_credentials","refresh_token"]})"},
              {.name = "audience", .about = "The service to call; needed if the client may call several."},
              {.name = "resource", .about = "The same as audience (RFC 8707)."}, {.name = "refresh_token"},
              {.name = "scope"}, id, secret},
          .body_rule = kOfGrant,
          .answers = answers({200, "A token.", "OAuthToken"})},
      {.method = "POST",
          .path = "/oauth2/introspect",
          .tag = kOAuth,
          .summary = "Ask what a token is",
          .about = "RFC 7662. Anything that the caller may not see is {\"active\":false}.",
          .credential = Credential::client,
          .form = BodyForm::form,
          .body = {token, hint, id, secret},
          .body_rule = kIdWithSecret,
          .answers = answers({200, "The token, or that it is not active.", "Introspection"})},
      {.method = "POST",
          .path = "/oauth2/revoke",
          .tag = kOAuth,
          .summary = "End a token",
          .about = "RFC 7009. Unknown tokens are answered the same.",
          .credential = Credential::client,
          .form = BodyForm::form,
          .body = {token, hint, id, secret},
          .body_rule = kIdWithSecret,
          .answers = answers({200, "It is not valid, or no longer."})},
      {.method = "GET",
          .path = "/.well-known/jwks.json",
          .tag = kOAuth,
          .summary = "The public keys that verify access tokens",
          .answers = {{200, "A JWK Set (RFC 7517).", "KeySet"}, {304, "Not modified."}}},
  };
}

constexpr NamedSchema kSchemas[] = {
    {"SignedIn", R"({"type":"object","required":["access_token","token_type","expires_in","user","session"],
      "properties":{"access_token":{"type":"string"},"token_type":{"const":"Bearer"},
      "expires_in":{"type":"integer","description":"Seconds."},"refresh_token":{"type":"string"},
      "user":{"$ref":"#/components/schemas/Person"},"session":{"type":"string"}}})"},
    {"Person", R"({"type":"object","required":["id","name"],"properties":{"id":{"type":"string"},
      "name":{"type":"string"}}})"},
    {"Ticket", R"({"type":"object","required":["ticket","expires_at","expires_in","url"],"properties":{
      "ticket":{"type":"string"},"expires_at":{"type":"string","format":"date-time"},
      "expires_in":{"type":"integer"},"url":{"type":"string"}}})"},
    {"Me", R"({"type":"object","required":["id","name","session","permissions","expires_at"],"properties":{
      "id":{"type":"string"},"name":{"type":"string"},"email":{"type":"string"},"session":{"type":"string"},
      "permissions":{"type":"array","items":{"type":"string"}},
      "expires_at":{"type":"string","format":"date-time"},"second_factor":{"type":"boolean"},
      "recovery_codes_left":{"type":"integer"}}})"},
    {"Session", R"({"type":"object","required":["id","device","address","created","last_seen","expires_at","current"],
      "properties":{"id":{"type":"string"},"device":{"type":"string"},"address":{"type":"string"},
      "created":{"type":"string","format":"date-time"},"last_seen":{"type":"string","format":"date-time"},
      "expires_at":{"type":"string","format":"date-time"},"current":{"type":"boolean"}}})"},
    {"Sessions", R"({"type":"object","required":["sessions"],"properties":{"sessions":{"type":"array",
      "items":{"$ref":"#/components/schemas/Session"}}}})"},
    {"PendingFactor", R"({"type":"object","required":["secret","uri","expires_in"],"properties":{
      "secret":{"type":"string"},"uri":{"type":"string"},"expires_in":{"type":"integer"}}})"},
    {"RecoveryCodes", R"({"type":"object","required":["recovery_codes"],"properties":{"recovery_codes":{
      "type":"array","items":{"type":"string"}}}})"},
    {"User", R"({"type":"object","required":["id","name","admin","disabled","created"],"properties":{
      "id":{"type":"string"},"name":{"type":"string"},"email":{"type":"string"},"admin":{"type":"boolean"},
      "disabled":{"type":"boolean"},"created":{"type":"string","format":"date-time"},
      "last_seen":{"type":"string","format":"date-time"}}})"},
    {"Users", R"({"type":"object","required":["users"],"properties":{"users":{"type":"array",
      "items":{"$ref":"#/components/schemas/User"}},"next":{"type":"string"}}})"},
    {"Services", R"({"type":"object","required":["services"],"properties":{"services":{"type":"array","items":{
      "type":"object","required":["id","may_call","disabled","created","secrets"],"properties":{
      "id":{"type":"string"},"may_call":{"type":"array","items":{"type":"string"}},"disabled":{"type":"boolean"},
      "created":{"type":"string","format":"date-time"},"secrets":{"type":"array","items":{"type":"object",
      "properties":{"created":{"type":"string","format":"date-time"}}}}}}}}})"},
    {"SigningKey", R"({"type":"object","required":["kid","state","configured"],"properties":{"kid":{"type":"string"},
      "state":{"type":"string"},"configured":{"type":"boolean"},"created":{"type":"string","format":"date-time"},
      "active_from":{"type":"string","format":"date-time"},"retired":{"type":"string","format":"date-time"},
      "published_until":{"type":"string","format":"date-time"}}})"},
    {"SigningKeys", R"({"type":"object","required":["keys"],"properties":{"keys":{"type":"array",
      "items":{"$ref":"#/components/schemas/SigningKey"}}}})"},
    {"Audit", R"({"type":"object","required":["audit"],"properties":{"audit":{"type":"array","items":{
      "type":"object","required":["at","action","outcome"],"properties":{
      "at":{"type":"string","format":"date-time"},"action":{"type":"string"},"outcome":{"type":"string"},
      "user":{"type":"string"},"address":{"type":"string"},"ref":{"type":"string"},"detail":{"type":"string"},
      "repeats":{"type":"integer"},"last_at":{"type":"string","format":"date-time"}}}}}})"},
    {"OAuthToken", R"({"type":"object","required":["access_token","token_type","expires_in"],"properties":{
      "access_token":{"type":"string"},"token_type":{"const":"Bearer"},"expires_in":{"type":"integer"},
      "refresh_token":{"type":"string"},"scope":{"type":"string"}}})"},
    {"OAuthError", R"({"type":"object","required":["error"],"properties":{"error":{"type":"string"},
      "error_description":{"type":"string"}}})"},
    {"Introspection", R"({"type":"object","required":["active"],"properties":{"active":{"type":"boolean"},
      "client_id":{"type":"string"},"sub":{"type":"string"},"username":{"type":"string"},
      "scope":{"type":"string"},"iss":{"type":"string"},"aud":{"type":"string"},"iat":{"type":"integer"},
      "exp":{"type":"integer"},"jti":{"type":"string"},"sid":{"type":"string"},"token_type":{"type":"string"}}})"},
    {"KeySet", R"({"type":"object","required":["keys"],"properties":{"keys":{"type":"array",
      "items":{"type":"object"}}}})"},
};

std::vector<Operation> all() {
  std::vector<Operation> out = signing_in();
  for (auto more : {own_account(), second_factor(), administration(), oauth()})
    std::ranges::move(more, std::back_inserter(out));
  return out;
}

const std::vector<Operation>& table() {
  static const std::vector<Operation> kTable = all();
  return kTable;
}

} // namespace

std::span<const Operation> operations() { return table(); }
std::span<const NamedSchema> schemas() { return kSchemas; }

const Operation& operation(std::string_view method, std::string_view path) {
  for (const Operation& known : table())
    if (known.method == method && known.path == path) return known;
  throw std::logic_error("an operation without a description: " + std::string{method} + ' ' + std::string{path});
}

} // namespace foyer::accounts
