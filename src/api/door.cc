#include "api/door.h"

#include "wire/request_fields.h"

namespace foyer::api {

Result<Credential> sent_credential(const Request& request) {
  Credential sent;
  bool differ = request.headers.count("X-API-Key") > 1 || request.headers.count("Authorization") > 1;
  const auto found = [&](std::string_view value, Credential::Kind kind = Credential::Kind::key) {
    differ = differ || (sent.kind != Credential::Kind::none && (sent.kind != kind || sent.text != value));
    sent = {.kind = kind, .text = std::string(value)};
  };
  if (const std::string* header = request.headers.find("X-API-Key")) found(*header);
  if (const std::string* header = request.headers.find("Authorization")) {
    const auto [scheme, credential] = wire::read_authorization(*header);
    if (iequals(scheme, "apikey") && !credential.empty()) found(credential);
    if (iequals(scheme, "Bearer") && !credential.empty()) found(credential, Credential::Kind::service_token);
  }
  if (!request.query.empty())
    if (const auto argument = request.query_arg("api_key")) found(*argument);
  if (differ) return refuse(Cause::AMBIGUOUS_CREDENTIALS, "more than one API key or token was sent");
  return sent;
}

} // namespace foyer::api
