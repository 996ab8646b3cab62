#include "accounts/http/routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "accounts/http/admin_routes.h"
#include "accounts/http/check_route.h"
#include "accounts/http/exchange.h"
#include "accounts/http/factor_routes.h"
#include "accounts/model/token_forms.h"
#include "accounts/session/sessions.h"
#include "base/bytes.h"
#include "base/json.h"
#include "wire/request_fields.h"

namespace foyer::accounts {
namespace {

json::Array scope_list(const Permissions& permissions) {
  json::Array out;
  if (permissions.chat_read) out.emplace_back("chat:read");
  if (permissions.chat_write) out.emplace_back("chat:write");
  if (permissions.admin) out.emplace_back("admin");
  return out;
}

Completion<SignedIn> then_signed_in(ExchangePtr x, int status) {
  return [x = std::move(x), status](Result<SignedIn> in) {
    if (!in) return x->refuse_with(in.error());
    json::Object body;
    body["access_token"] = in->access_token;
    body["token_type"] = "Bearer";
    body["expires_in"] = std::chrono::floor<std::chrono::seconds>(in->expires_in).count();
    if (in->refresh_token) body["refresh_token"] = *in->refresh_token;
    body["user"] = json::Object{{"id", in->user.view()}, {"name", in->name}};
    body["session"] = in->session.view();
    if (in->cookie) x->also_set_cookie(set_cookie(x->cookie_scope(), *in->cookie, in->cookie_life));
    x->answer(status, body);
  };
}

// A page of another origin must not be able to sign a user in by cookie.
Result<bool> check_cookie_origin(const Exchange& x, const json::Object& body) {
  if (!json::get_bool(body, "cookie").value_or(false) || x.request().headers.find("origin") == nullptr) return true;
  return check_origin(x.request(), x.service().policy().allowed_origins);
}

void register_account(const ExchangePtr& x) {
  auto body = x->body();
  if (!body) return x->refuse_with(body.error());
  if (auto fit = check_cookie_origin(*x, *body); !fit) return x->refuse_with(fit.error());
  x->service().register_account({.name = text_of(*body, "name"),
                                    .password = text_of(*body, "password"),
                                    .email = text_of(*body, "email"),
                                    .invitation = maybe_text(*body, "invitation"),
                                    .cookie = json::get_bool(*body, "cookie").value_or(false)},
      x->caller(), then_signed_in(x, 201));
}

void login(const ExchangePtr& x) {
  auto body = x->body();
  if (!body) return x->refuse_with(body.error());
  if (auto fit = check_cookie_origin(*x, *body); !fit) return x->refuse_with(fit.error());
  x->service().login({.name = text_of(*body, "name"),
                         .password = text_of(*body, "password"),
                         .factor = maybe_text(*body, "totp"),
                         .cookie = json::get_bool(*body, "cookie").value_or(false)},
      x->caller(), then_signed_in(x, 200));
}

// An explicit token takes precedence over the cookie, which a browser sends automatically.
void refresh(const ExchangePtr& x) {
  auto body = x->body();
  if (!body) return x->refuse_with(body.error());
  RefreshByRequest question{.refresh_token = maybe_text(*body, "refresh_token"), .cookie = {}};
  if (question.refresh_token && looks_like_jwt(*question.refresh_token))
    return x->refuse_with(
        {.cause = Cause::WRONG_TOKEN_TYPE, .evidence = "a JWT instead of a refresh token", .field = "refresh_token"});
  if (!question.refresh_token) {
    auto cookie = x->cookie();
    if (!cookie) return x->refuse_with(cookie.error());
    question.cookie = std::move(*cookie);
  }
  if (!question.cookie) return x->service().refresh(std::move(question), x->caller(), then_signed_in(x, 200));
  if (const auto wrong = wrong_in_cookie(*question.cookie)) return x->refuse_with(*wrong);
  if (auto fit = check_origin(x->request(), x->service().policy().allowed_origins); !fit)
    return x->refuse_with(fit.error());
  x->service().refresh(
      std::move(question), x->caller(), [x, then = then_signed_in(x, 200)](Result<SignedIn> in) mutable {
    if (!in && in.error().step() == Step::accounts) x->also_expire_cookie();
    then(std::move(in));
  });
}

void logout(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->also_expire_cookie();
  x->service().logout(who, x->caller(), x->then_nothing());
}

void change_password(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  x->service().change_password(
      who, text_of(body, "password"), text_of(body, "new_password"), x->caller(), x->then_nothing());
}

void me(const ExchangePtr& x, const json::Object&, const Principal& who) {
  json::Object out;
  out["id"] = who.identity.user.view();
  out["name"] = who.own ? who.own->user.name : who.identity.name;
  if (who.own && !who.own->user.email.empty()) out["email"] = who.own->user.email;
  out["session"] = who.identity.session.view();
  out["permissions"] = scope_list(who.identity.permissions);
  out["expires_at"] = rfc3339(who.identity.expires_at);
  if (!who.own) return x->answer(200, out);
  x->service().second_factor(who, [x, out = std::move(out)](Result<FactorState> factor) mutable {
    if (!factor) return x->refuse_with(factor.error());
    out["second_factor"] = factor->on;
    out["recovery_codes_left"] = factor->recovery_codes_left;
    x->answer(200, out);
  });
}

void delete_me(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  x->service().delete_account(who, text_of(body, "password"), x->caller(), [x](Result<bool> deleted) {
    if (!deleted) return x->refuse_with(deleted.error());
    x->also_expire_cookie();
    x->answer_nothing();
  });
}

void mint_ticket(const ExchangePtr& x, const json::Object& body, const Principal& who) {
  TicketRequest request;
  request.origin = maybe_text(body, "origin");
  if (request.origin) {
    if (auto fit = check_serialised_origin(*request.origin); !fit) return x->refuse_with(fit.error());
  } else if (x->request().headers.count("Origin") != 0) {
    const std::string* origin = wire::sole(x->request().headers, "Origin");
    if (origin == nullptr)
      return x->refuse_with(
          {.cause = Cause::ORIGIN_NOT_ALLOWED, .evidence = "more than one Origin header", .field = "Origin"});
    request.origin = *origin;
  }
  request.bind_address = json::get_bool(body, "bind_address").value_or(false);
  if (const auto ttl = json::get_int(body, "ttl"))
    request.ttl = std::chrono::seconds{std::clamp<std::int64_t>(*ttl, -1, 1'000'000)};
  x->service().mint_ticket(who, std::move(request), x->caller(), [x](Result<Ticket> ticket) {
    if (!ticket) return x->refuse_with(ticket.error());
    const auto& policy = x->service().policy();
    std::string base = policy.public_url.empty() ? x->request().origin_url : policy.public_url;
    if (base.starts_with("http")) base.replace(0, 4, "ws"); // http → ws, https → wss
    json::Object out;
    out["ticket"] = ticket->ticket;
    out["expires_at"] = rfc3339(ticket->expires_at);
    out["expires_in"] = std::chrono::floor<std::chrono::seconds>(ticket->expires_in).count();
    out["url"] = base + policy.socket_path + "?ticket=" + ticket->ticket;
    x->answer(201, out);
  });
}

json::Object session_json(const SessionRow& row, const Principal& who, const SessionPolicy& policy) {
  json::Object out;
  out["id"] = row.id.view();
  out["device"] = row.device;
  out["address"] = row.address;
  out["created"] = rfc3339(row.created);
  out["last_seen"] = rfc3339(row.last_seen);
  out["expires_at"] = rfc3339(session_expiry(row, policy));
  out["current"] = row.id == who.identity.session;
  return out;
}

void list_sessions(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->service().sessions(who, [x, who](Result<std::vector<SessionRow>> rows) {
    if (!rows) return x->refuse_with(rows.error());
    json::Array list;
    for (const auto& row : *rows) list.push_back(session_json(row, who, x->service().policy().sessions));
    x->answer(200, json::Object{{"sessions", std::move(list)}});
  });
}

void show_session(const ExchangePtr& x, const json::Object&, const Principal& who) {
  x->service().sessions(who, [x, who](Result<std::vector<SessionRow>> rows) {
    if (!rows) return x->refuse_with(rows.error());
    const auto found = std::ranges::find(*rows, SessionId{x->request().path_args.at(0)}, &SessionRow::id);
    if (found == rows->end())
      return x->refuse_with(
          Refusal{.cause = Cause::NOT_FOUND, .evidence = "this user has no such session, or it has ended"});
    x->answer(200, session_json(*found, who, x->service().policy().sessions));
  });
}

void end_session(const ExchangePtr& x, const json::Object&, const Principal& who) {
  SessionId session{x->request().path_args.at(0)};
  if (session == who.identity.session) x->also_expire_cookie();
  x->service().end_session(who, std::move(session), x->caller(), x->then_nothing());
}

// All sessions; with ?others=true all but this one.
void end_sessions(const ExchangePtr& x, const json::Object&, const Principal& who) {
  const auto others = x->request().query_arg("others");
  if (others && *others != "true" && *others != "false")
    return x->refuse_with(
        Refusal{.cause = Cause::BAD_REQUEST, .evidence = "others is true or false", .field = "others"});
  const bool others_only = others == "true";
  if (!others_only) x->also_expire_cookie();
  x->service().end_sessions(who, others_only, x->caller(), x->then_nothing());
}

// Public keys change rarely, but a new one must be known before its first use.
void key_set(const AccountService& service, const Request& request, Reply& reply) {
  const std::string etag = '"' + hex_encode(sha256(service.jwks())).substr(0, 32) + '"';
  const std::string* known = request.headers.find("if-none-match");
  const bool same = known != nullptr && (*known == "*" || known->find(etag) != std::string::npos);
  Response response{.status = same ? 304 : 200,
      .headers = {{"ETag", etag},
          {"Cache-Control",
              fmt::format("public, max-age={}", std::chrono::floor<std::chrono::seconds>(kJwksMaxAge).count())}},
      .body = {}};
  if (!same) {
    response.headers.add("Content-Type", "application/json");
    response.body = service.jwks();
  }
  reply(std::move(response));
}

} // namespace

std::vector<Route> routes(AccountService& service, OnRefusal on_refusal, ServiceRegistry* services) {
  const RouteMaker route(service, std::make_shared<const OnRefusal>(std::move(on_refusal)), services);
  std::vector<Route> out{
      route("POST", "/auth/register", register_account),
      route("POST", "/auth/login", login),
      route("POST", "/auth/refresh", refresh),
      route("POST", "/auth/logout", with_bearer(logout)),
      route("POST", "/auth/password", with_bearer(change_password)),
      route("GET", "/auth/me", with_bearer(me)),
      route.with_rate("GET", "/auth/check", service.policy().check_rate, check_for_proxy),
      route("DELETE", "/auth/me", with_bearer(delete_me)),
      route("POST", "/auth/tickets", with_bearer(mint_ticket)),
      route("GET", "/auth/sessions", with_bearer(list_sessions)),
      route("DELETE", "/auth/sessions", with_bearer(end_sessions)),
      route("GET", "/auth/sessions/{id}", with_bearer(show_session)),
      route("DELETE", "/auth/sessions/{id}", with_bearer(end_session)),
      Route{"GET", "/.well-known/jwks.json",
          [&service](Request request, Reply reply) {
    service.run([&service, request = std::move(request), reply = std::move(reply)]() mutable {
      key_set(service, request, reply);
    });
  }},
  };
  add_factor_routes(route, out);
  add_admin_routes(route, out);
  return out;
}

} // namespace foyer::accounts
