#include "admission/credentials.h"

#include "admission/evidence.h"
#include "wire/request_fields.h"

namespace foyer::admission {
namespace {

Refusal malformed(std::string evidence, std::string field) {
  return Refusal{.cause = Cause::INVALID_FORMAT, .evidence = std::move(evidence), .field = std::move(field)};
}

FoundCredential read_authorization(const std::string& value) {
  FoundCredential found{.where = "header"};
  const auto [scheme, credential] = wire::read_authorization(value);
  if (!iequals(scheme, "Bearer")) {
    found.malformed = malformed("an Authorization header whose scheme is not Bearer", "Authorization");
    return found;
  }
  found.credential = credential;
  if (credential.empty())
    found.malformed = malformed("an Authorization header with Bearer but no token", "Authorization");
  return found;
}

FoundCredential read_bearer_offer(std::string_view value) {
  FoundCredential found{.where = "subprotocol"};
  if (auto token = wire::token_of_offer(value)) {
    found.credential = std::move(*token);
  } else {
    found.malformed =
        malformed("a subprotocol bearer.… that holds neither a JWT nor base64url of one", "Sec-WebSocket-Protocol");
  }
  return found;
}

} // namespace

std::vector<FoundCredential> find_credentials(
    const Request& request, bool token_in_url, std::vector<std::string> cookies) {
  std::vector<FoundCredential> out;
  for (const auto& header : request.headers.list())
    if (iequals(header.name, "Authorization")) out.push_back(read_authorization(header.value));
  for (const auto offer : offered_subprotocols(request)) {
    if (const auto value = bearer_offer(offer)) {
      out.push_back(read_bearer_offer(*value));
    } else if (looks_like_credential(offer) && offer.find('.') != std::string_view::npos) {
      FoundCredential found{.where = "subprotocol"};
      found.malformed =
          malformed("a token offered as a subprotocol without the prefix bearer.", "Sec-WebSocket-Protocol");
      out.push_back(std::move(found));
    }
  }
  for (auto& ticket : query_values(request, "ticket"))
    out.push_back({.where = "ticket", .is_ticket = true, .credential = std::move(ticket)});
  if (token_in_url)
    for (const auto name : {"token", "access_token"})
      for (auto& token : query_values(request, name)) out.push_back({.where = "url", .credential = std::move(token)});
  for (auto& cookie : cookies) out.push_back({.where = "cookie", .is_cookie = true, .credential = std::move(cookie)});
  return out;
}

} // namespace foyer::admission
