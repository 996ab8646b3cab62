// Introspection (RFC 7662) and revocation (RFC 7009) of tokens.
#include <fmt/format.h>

#include "accounts/clients/oauth_exchange.h"
#include "accounts/model/token_forms.h"

namespace foyer::accounts {
namespace {

void inactive(const OAuthPtr& x) { x->answer(200, {{"active", false}}); }

bool lives(const OAuthPtr& x, const SessionAndUser& who) {
  return !who.user.disabled && check_session(who.session, x->policy().sessions, x->deps().clock.wall()).has_value();
}

// A token is inactive if its service is disabled, or may no longer call its audience.
bool may_still(const OAuthPtr& x, const KnownToken& token) {
  const Service* service = x->deps().services.find(token.claims.client_id);
  return service != nullptr && !service->disabled && service->may(token.audience);
}

json::Object describe(const OAuthPtr& x, const KnownToken& token) {
  const Identity& who = token.claims.identity;
  json::Object out{{"active", true}, {"token_type", "Bearer"}, {"client_id", token.claims.client_id},
      {"sub", who.user.view()}, {"aud", token.of_service ? token.audience : x->policy().audience},
      {"iss", x->policy().issuer}, {"iat", unix_seconds(who.issued_at)}, {"exp", unix_seconds(who.expires_at)},
      {"jti", who.token.view()}};
  if (token.of_service) return out;
  out["username"] = who.name;
  if (const auto scope = to_scope(who.permissions); !scope.empty()) out["scope"] = scope;
  if (!who.session.empty()) out["sid"] = who.session.view();
  return out;
}

void introspect_jwt(const OAuthPtr& x, std::string_view text) {
  auto token = read_token(x->deps(), text);
  if (!token) return inactive(x);
  // A caller that may not see a token gets the answer for one that does not exist.
  const std::string& asker = x->client()->id;
  const bool its_own = token->of_service && (token->claims.client_id == asker || token->audience == asker);
  if (!its_own && !x->may_call_us()) return inactive(x);
  TokenId id = token->claims.identity.token;
  x->deps().store.token_revoked(std::move(id), x->back<bool>([x, token = std::move(*token)](bool revoked) mutable {
    if (revoked) return inactive(x);
    const Identity& who = token.claims.identity;
    if (token.of_service && !may_still(x, token)) return inactive(x);
    if (!who.own_account || token.of_service) return x->answer(200, describe(x, token));
    SessionId session = who.session;
    x->deps().store.find_session(std::move(session),
        x->back<std::optional<SessionAndUser>>(
            [x, token = std::move(token)](const std::optional<SessionAndUser>& found) {
      if (!found || found->user.id != token.claims.identity.user || !lives(x, *found)) return inactive(x);
      x->answer(200, describe(x, token));
    }));
  }));
}

void introspect_refresh(const OAuthPtr& x, std::string_view text) {
  if (!x->may_call_us()) return inactive(x);
  x->deps().store.find_refresh(
      digest(text), x->back<std::optional<RefreshTokenInfo>>([x](const std::optional<RefreshTokenInfo>& found) {
    if (!found || found->token.used || !lives(x, found->who)) return inactive(x);
    const auto& policy = x->policy();
    const WallTime end =
        std::min(found->token.created + policy.refresh.idle, session_expiry(found->who.session, policy.sessions));
    if (end <= x->deps().clock.wall()) return inactive(x);
    const UserRow& user = found->who.user;
    x->answer(200,
        {{"active", true}, {"client_id", policy.client_id}, {"sub", user.id.view()}, {"username", user.name},
            {"scope", to_scope(permissions_of(user))}, {"iss", policy.issuer},
            {"iat", unix_seconds(found->token.created)}, {"exp", unix_seconds(end)},
            {"sid", found->who.session.id.view()}});
  }));
}

void revoke_jwt(const OAuthPtr& x, std::string_view text) {
  const auto token = read_token(x->deps(), text);
  if (!token) return x->answer_empty();
  const Identity& who = token->claims.identity;
  if (token->of_service && x->client() == nullptr)
    return x->refuse_with("invalid_client",
        {.cause = Cause::SERVICE_CREDENTIALS_MISSING, .evidence = "a service's token is revoked by that service"});
  if (token->of_service && token->claims.client_id != x->client()->id && !x->may_call_us())
    return x->refuse_with("unauthorized_client",
        {.cause = Cause::SERVICE_NOT_ALLOWED,
            .evidence = fmt::format("the token was issued to another service than {}", x->client()->id)});
  AuditRow row = x->audit("token_revoke", "OK", token->of_service ? "service " + who.user.str() : who.session.str(),
      token->of_service ? UserId{} : who.user);
  // Every gateway keeps every row, so a revoked token gets no second one. Read outside of the
  // transaction, where reading would make it conflict with concurrent revocations.
  TokenId id = who.token;
  x->deps().store.token_revoked(
      who.token, x->back<bool>([x, id = std::move(id), row = std::move(row)](bool before) mutable {
    if (before) return x->answer_empty();
    x->deps().store.revoke_token(std::move(id), std::move(row), x->back<bool>([x](bool) { x->answer_empty(); }));
  }));
}

void revoke_refresh(const OAuthPtr& x, std::string_view text) {
  x->deps().store.find_refresh(
      digest(text), x->back<std::optional<RefreshTokenInfo>>([x](const std::optional<RefreshTokenInfo>& found) {
    if (!found) return x->answer_empty();
    const SessionRow& session = found->who.session;
    AuditRow row = x->audit("refresh_revoke", "OK", session.id.str(), session.user);
    x->deps().store.end_session(
        session.user, session.id, SessionEnd::logout, std::move(row), x->back<bool>([x](bool) { x->answer_empty(); }));
  }));
}

} // namespace

void introspect(const OAuthPtr& x) {
  if (x->client() == nullptr)
    return x->refuse_with("invalid_client",
        {.cause = Cause::SERVICE_CREDENTIALS_MISSING, .evidence = "introspection is for registered services"});
  const auto token = x->parameter("token");
  if (!token)
    return x->refuse_with(
        "invalid_request", {.cause = Cause::BAD_REQUEST, .evidence = "token is missing", .field = "token"});
  if (looks_like_jwt(*token)) return introspect_jwt(x, *token);
  introspect_refresh(x, *token);
}

// token_type_hint is ignored: the token's form decides.
void revoke(const OAuthPtr& x) {
  const auto token = x->parameter("token");
  if (!token)
    return x->refuse_with(
        "invalid_request", {.cause = Cause::BAD_REQUEST, .evidence = "token is missing", .field = "token"});
  if (looks_like_jwt(*token)) return revoke_jwt(x, *token);
  revoke_refresh(x, *token);
}

} // namespace foyer::accounts
