#include "accounts/http/oauth_routes.h"

#include <fmt/format.h>

#include "accounts/clients/oauth_exchange.h"
#include "accounts/http/operations.h"
#include "accounts/model/token_forms.h"
#include "base/bytes.h"
#include "wire/problem.h"
#include "wire/url.h"

namespace foyer::accounts {
namespace {

constexpr std::size_t kShown = 64;

// Determines the audience of the token.
Result<std::string> find_target(const OAuthPtr& x) {
  const Service& client = *x->client();
  const auto audience = x->parameter("audience");
  const auto resource = x->parameter("resource");
  if (audience && resource && *audience != *resource)
    return refuse_field(Cause::BAD_REQUEST, "audience", "audience and resource differ");
  if (!audience && !resource && client.may_call.size() != 1)
    return refuse_field(Cause::BAD_REQUEST, "audience",
        fmt::format("{} may call {} services; audience must name one", client.id, client.may_call.size()));
  std::string target = audience ? *audience : resource ? *resource : client.may_call.front();
  const Service* service = x->deps().services.find(target);
  if (service == nullptr && target != kApiAudience)
    return refuse_field(
        Cause::SERVICE_UNKNOWN, "audience", fmt::format("no service {} is registered", printable(target, kShown)));
  if (!client.may(target))
    return refuse_field(
        Cause::SERVICE_NOT_ALLOWED, "audience", fmt::format("service {} may not call {}", client.id, target));
  if (service != nullptr && service->disabled)
    return refuse_field(Cause::SERVICE_NOT_ALLOWED, "audience", fmt::format("service {} is disabled", target));
  return target;
}

void client_credentials(const OAuthPtr& x) {
  if (x->client() == nullptr)
    return x->refuse_with("invalid_client",
        {.cause = Cause::SERVICE_CREDENTIALS_MISSING, .evidence = "client_credentials without a client's credentials"});
  if (x->parameter("scope"))
    return x->refuse_with("invalid_scope",
        {.cause = Cause::BAD_REQUEST,
            .evidence = "a service token has no scope; its audience determines its use",
            .field = "scope"});
  const auto target = find_target(x);
  const std::string& client = x->client()->id;
  if (!target) {
    x->write_audit(x->audit("service_token", target.error().code(), client));
    return x->refuse_with("invalid_target", target.error());
  }
  auto& deps = x->deps();
  x->write_audit(x->audit("service_token", "OK", fmt::format("{} for {}", client, *target)));
  x->answer(200,
      {{"access_token", deps.tokens.mint(client, *target, deps.clock.wall(), deps.entropy)}, {"token_type", "Bearer"},
          {"expires_in", std::chrono::floor<std::chrono::seconds>(kServiceTokenLife).count()}});
}

void rotate(const OAuthPtr& x, std::string token, Permissions has) {
  x->deps().service.refresh(
      {.refresh_token = std::move(token), .cookie = {}}, x->caller(), [x, has](Result<SignedIn> in) {
    if (!in) return x->refuse_with("invalid_grant", in.error());
    json::Object body{{"access_token", in->access_token}, {"token_type", "Bearer"},
        {"expires_in", std::chrono::floor<std::chrono::seconds>(in->expires_in).count()}};
    if (in->refresh_token) body["refresh_token"] = *in->refresh_token;
    body["scope"] = to_scope(has);
    x->answer(200, body);
  });
}

// For our users' refresh tokens, which belong to the public client: the same rotation as /auth/refresh.
void refresh_token(const OAuthPtr& x) {
  if (x->client() != nullptr)
    return x->refuse_with("unauthorized_client",
        {.cause = Cause::SERVICE_NOT_ALLOWED,
            .evidence = fmt::format(
                "refresh tokens are issued to {}, not to service {}", x->policy().client_id, x->client()->id)});
  auto token = x->parameter("refresh_token");
  if (!token)
    return x->refuse_with("invalid_request",
        {.cause = Cause::BAD_REQUEST, .evidence = "refresh_token is missing", .field = "refresh_token"});
  if (looks_like_jwt(*token))
    return x->refuse_with("invalid_grant",
        {.cause = Cause::WRONG_TOKEN_TYPE, .evidence = "a JWT instead of a refresh token", .field = "refresh_token"});
  // Checked before the token is used: a wider scope must not waste it. Narrower ones are not granted (RFC 6749 §3.3:
  // the answer contains the scope).
  std::string hash = digest(*token);
  x->deps().store.find_refresh(std::move(hash),
      x->back<std::optional<RefreshTokenInfo>>(
          [x, token = std::move(*token)](const std::optional<RefreshTokenInfo>& found) mutable {
    const Permissions has = found ? permissions_of(found->who.user) : Permissions{};
    const std::string wanted = x->parameter("scope").value_or("");
    for (std::string_view rest = wanted; found && !rest.empty();) {
      const auto end = rest.find(' ');
      const std::string_view word = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (!word.empty() && (" " + to_scope(has) + " ").find(fmt::format(" {} ", word)) == std::string::npos)
        return x->refuse_with("invalid_scope",
            {.cause = Cause::PERMISSION_DENIED,
                .evidence = "the scope " + printable(word, kShown) + " was not granted",
                .field = "scope"});
    }
    rotate(x, std::move(token), has);
  }));
}

void token(const OAuthPtr& x) {
  const auto grant = x->parameter("grant_type");
  if (!grant)
    return x->refuse_with(
        "invalid_request", {.cause = Cause::BAD_REQUEST, .evidence = "grant_type is missing", .field = "grant_type"});
  if (*grant == "client_credentials") return client_credentials(x);
  if (*grant == "refresh_token") return refresh_token(x);
  x->refuse_with("unsupported_grant_type",
      {.cause = Cause::BAD_REQUEST, .evidence = "grant_type " + printable(*grant, kShown), .field = "grant_type"});
}

// RFC 8414 §2. There is no authorisation endpoint, so no response types.
std::string metadata(const AccountsPolicy& policy) {
  const std::string& at = policy.public_url;
  const json::Array service_auth = {"client_secret_basic", "client_secret_post"};
  json::Array all_auth = service_auth;
  all_auth.emplace_back("none");
  return json::write(json::Object{{"issuer", policy.issuer}, {"token_endpoint", at + "/oauth2/token"},
      {"introspection_endpoint", at + "/oauth2/introspect"}, {"revocation_endpoint", at + "/oauth2/revoke"},
      {"jwks_uri", at + "/.well-known/jwks.json"}, {"response_types_supported", json::Array{}},
      {"grant_types_supported", json::Array{"client_credentials", "refresh_token"}},
      {"scopes_supported", json::Array{"chat:read", "chat:write", "admin"}},
      {"token_endpoint_auth_methods_supported", all_auth},
      {"introspection_endpoint_auth_methods_supported", service_auth},
      {"revocation_endpoint_auth_methods_supported", all_auth}});
}

// RFC 8414 §3.1: the well-known part is between the issuer's host and its path.
std::string metadata_path(const AccountsPolicy& policy) {
  const auto url = wire::parse_url(policy.issuer);
  std::string path = url ? url->path : std::string{};
  while (path.ends_with('/')) path.pop_back();
  return "/.well-known/oauth-authorization-server" + path;
}

Route metadata_route(std::shared_ptr<OAuthDeps> deps) {
  std::string path = metadata_path(deps->service.policy());
  return {"GET", std::move(path), [deps = std::move(deps)](Request request, Reply reply) {
    const auto& policy = deps->service.policy();
    if (policy.issuer != policy.public_url || !policy.issuer.starts_with("https://")) {
      const Refusal refusal{.cause = Cause::NOT_FOUND, .evidence = "JWT_ISSUER is not an https URL, or not PUBLIC_URL"};
      if (deps->on_refusal) deps->service.run([deps, request, refusal] { deps->on_refusal(request, refusal); });
      return reply(wire::problem(refusal, request.ref, policy.reveal));
    }
    Response response = json_response(200, metadata(policy));
    response.headers.set("Cache-Control", "public, max-age=300");
    reply(std::move(response));
  }};
}

} // namespace

std::vector<Route> oauth_routes(OAuthDeps deps) {
  const auto shared = std::make_shared<OAuthDeps>(std::move(deps));
  const auto route = [shared](std::string path, void (*handle)(const OAuthPtr&)) {
    Handler handler = [shared, endpoint = "POST " + path, handle](Request request, Reply reply) {
      auto x = std::make_shared<OAuthExchange>(shared, endpoint, std::move(request), std::move(reply));
      shared->service.run([x, handle] { x->begin([x, handle] { handle(x); }); });
    };
    return Route{"POST", std::move(path), std::move(handler)};
  };
  return {route("/oauth2/token", token), route("/oauth2/introspect", introspect), route("/oauth2/revoke", revoke),
      metadata_route(shared)};
}

} // namespace foyer::accounts
