#include "api/door.h"

#include "wire/request_fields.h"

namespace foyer::api {

Result<std::optional<std::string>> sent_key(const Request& request) {
  std::optional<std::string> key;
  bool differ = request.headers.count("X-API-Key") > 1 || request.headers.count("Authorization") > 1;
  const auto found = [&](std::string_view value) {
    differ = differ || (key && *key != value);
    key = value;
  };
  if (const std::string* header = request.headers.find("X-API-Key")) found(*header);
  if (const std::string* header = request.headers.find("Authorization")) {
    const auto [scheme, credential] = wire::read_authorization(*header);
    if (iequals(scheme, "apikey") && !credential.empty()) found(credential);
  }
  if (!request.query.empty())
    if (const auto argument = request.query_arg("api_key")) found(*argument);
  if (differ) return refuse(Cause::AMBIGUOUS_CREDENTIALS, "more than one API key was sent");
  return key;
}

} // namespace foyer::api
