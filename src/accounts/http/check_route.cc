#include "accounts/http/check_route.h"

#include <fmt/format.h>

#include <array>
#include <set>

#include "base/bytes.h"
#include "wire/credentials.h"

namespace foyer::accounts {
namespace {

constexpr std::array<std::string_view, 2> kForwardedTargets = {"X-Forwarded-Uri", "X-Original-URI"};

// The credentials of the request that the proxy holds, without the cookie.
struct Explicit {
  std::vector<std::string> tokens;
  std::set<std::string> tickets; // two headers may contain the same address
  std::size_t malformed = 0;     // offers without a token
};

Explicit find_explicit(const Request& request, bool handshake) {
  Explicit found;
  if (!handshake) return found; // an ordinary address may have a ?ticket= of its own
  for (const auto offer : wire::offered_subprotocols(request)) {
    const auto value = wire::bearer_offer(offer);
    if (!value) continue;
    if (auto token = wire::token_of_offer(*value))
      found.tokens.push_back(std::move(*token));
    else
      ++found.malformed;
  }
  for (const auto name : kForwardedTargets) {
    const std::string* target = request.headers.find(name);
    const auto question = target == nullptr ? std::string::npos : target->find('?');
    if (question == std::string::npos) continue;
    for (auto& ticket : wire::query_values(std::string_view{*target}.substr(question + 1), "ticket"))
      found.tickets.insert(std::move(ticket));
  }
  return found;
}

// A user's id as allowed in a header.
std::string header_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < '\x7f' && c != '%')
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// Proxies understand 401 and 403 and treat any other refusal as a fault of this server.
void refuse_check(const ExchangePtr& x, const Refusal& refusal) {
  const int status = refusal.info().http;
  x->refuse_as(status >= 400 && status < 500 && status != 403 && status != 429 ? 401 : 0, refusal);
}

Completion<Identity> then_answer(const ExchangePtr& x) {
  return [x](Result<Identity> who) {
    if (!who) return refuse_check(x, who.error());
    x->answer_nothing({{"X-Foyer-User", header_value(who->user.view())}});
  };
}

void check_token(const ExchangePtr& x, std::string token) {
  x->service().authenticate(std::move(token), [answer = then_answer(x)](Result<Principal> who) mutable {
    if (!who) return answer(std::unexpected(std::move(who).error()));
    answer(std::move(who->identity));
  });
}

void check_cookie(const ExchangePtr& x, bool handshake) {
  auto cookie = x->cookie();
  if (!cookie) return refuse_check(x, cookie.error());
  if (!*cookie)
    return refuse_check(x, {.cause = Cause::NO_TOKEN, .evidence = "neither a Bearer token nor a session cookie"});
  // Browsers send the cookie automatically, so a socket needs an Origin of ours, which shows the page that opened it.
  if (handshake || x->request().headers.count("Origin") > 0) {
    auto fit = check_origin(x->request(), x->service().policy().allowed_origins);
    if (!fit) return refuse_check(x, fit.error());
  }
  x->service().examine_cookie(**cookie, then_answer(x));
}

} // namespace

void check_for_proxy(const ExchangePtr& x) {
  const Request& request = x->request();
  const bool handshake = wire::says_websocket(request) || wire::has_websocket_headers(request);
  auto found = find_explicit(request, handshake);
  const std::size_t headers = request.headers.count("Authorization");
  if (headers + found.tokens.size() + found.malformed + found.tickets.size() > 1)
    return refuse_check(x,
        {.cause = Cause::AMBIGUOUS_CREDENTIALS,
            .evidence = "more than one of Authorization, a subprotocol bearer.… and a ticket"});
  const std::string* origin = request.headers.find("Origin");
  if (handshake && origin != nullptr) {
    auto fit = check_origin(request, x->service().policy().allowed_origins);
    if (!fit) return refuse_check(x, fit.error());
  }
  if (found.malformed > 0)
    return refuse_check(x,
        {.cause = Cause::INVALID_FORMAT,
            .evidence = "a subprotocol bearer.… that holds neither a JWT nor base64url of one",
            .field = "Sec-WebSocket-Protocol"});
  if (headers > 0) {
    auto token = bearer_token(request);
    if (!token) return refuse_check(x, token.error());
    return check_token(x, std::move(*token));
  }
  if (!found.tokens.empty()) return check_token(x, std::move(found.tokens.front()));
  if (!found.tickets.empty())
    return x->service().examine_ticket({.ticket = *found.tickets.begin(),
                                           .origin = origin == nullptr ? std::optional<std::string>{} : *origin,
                                           .address = request.address,
                                           .attempt = {},
                                           .ref = request.ref},
        then_answer(x));
  check_cookie(x, handshake);
}

} // namespace foyer::accounts
