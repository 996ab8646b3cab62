// What a client sends to /auth/*: the rest of the input after the first byte is the
// request. One credential or a refusal, known members only, nothing of a credential in
// what is told.
#include <array>
#include <string>

#include "accounts/http/request_body.h"
#include "accounts/model/names.h"
#include "accounts/model/token_forms.h"
#include "base/bytes.h"
#include "fuzz.h"
#include "wire/http_parser.h"
#include "wire/request_fields.h"

using namespace foyer;
using namespace foyer::accounts;

namespace {

constexpr std::string_view kMark = "SECRETMARK";
constexpr std::array<Member, 4> kKnown{{{"name", MemberType::text, true}, {"password", MemberType::text, true},
    {"remember", MemberType::flag}, {"number", MemberType::number}}};

template <class T>
void check_refusal(const Result<T>& result, bool silent) {
  if (result) return;
  const Refusal& refusal = result.error();
  invariant(refusal.info().http >= 400, "a refusal has an HTTP status");
  invariant(is_utf8(refusal.evidence) && is_utf8(refusal.field), "evidence can be logged");
  invariant(
      !silent || (refusal.evidence.find(kMark) == std::string::npos && refusal.field.find(kMark) == std::string::npos),
      "evidence holds nothing of a credential");
}

bool only_in_credentials(const Request& request) {
  for (const Header& header : request.headers.list()) {
    if (iequals(header.name, "Authorization") || iequals(header.name, "Cookie")) continue;
    if ((header.name + header.value).find(kMark) != std::string::npos) return false;
  }
  return request.body.find(kMark) == std::string::npos;
}

} // namespace

FUZZER(auth_request) {
  fuzz::Bytes bytes(input);
  const bool secure = (bytes.byte() & 1U) != 0;
  const wire::HttpLimits limits;
  wire::HttpParser parser(limits);
  parser.feed(bytes.rest());
  if (parser.state() != wire::HttpParser::State::complete) return;
  const Request request = parser.request();
  const bool silent = only_in_credentials(request);

  const auto token = bearer_token(request);
  check_refusal(token, silent);
  if (token) {
    invariant(request.headers.count("Authorization") == 1, "a token has one place");
    invariant(!token->empty() && !looks_opaque(*token), "and may be one");
    invariant(request.headers.find("Authorization")->find(*token) != std::string::npos, "it is the one that was sent");
  }
  const auto read = wire::session_cookie(request.headers, secure);
  check_refusal(read, silent);
  if (const auto cookie = read.value_or(std::nullopt)) {
    invariant(!cookie->empty(), "a cookie has a value");
    invariant(request.headers.joined("Cookie").find(std::string(wire::session_cookie_name(secure)) + "=" + *cookie) !=
            std::string::npos,
        "it is the one that was sent");
  }
  const auto body = read_body(request, kKnown);
  check_refusal(body, silent);
  if (body) {
    invariant(body->contains("name") && body->contains("password"), "what is required is there");
    for (const auto& member : *body)
      invariant(std::ranges::any_of(kKnown, [&](const Member& m) { return m.name == std::string_view(member.key()); }),
          "every member is known");
    const std::string_view name = *json::get_string(*body, "name");
    if (const auto good = check_name(name)) {
      invariant(name.size() <= kMaxNameBytes && name_key(name_key(name)) == name_key(name), "a name has one key");
      invariant(check_name(name_key(name)).has_value(), "which is a name");
    } else {
      invariant(good.error().evidence.find(name.substr(0, 64)) == std::string::npos || name.size() < 16,
          "a name that is refused is not repeated");
    }
    (void)check_email(name);
  }
  const auto origin = check_origin(request, {"https://chat.example"});
  check_refusal(origin, silent);
  if (origin)
    invariant(request.headers.joined("Origin") == "https://chat.example", "the origin is exactly one that is allowed");
  if (const auto* header = request.headers.find("Origin"); header != nullptr && check_serialised_origin(*header))
    invariant(*header == "null" || header->find("://") != std::string::npos, "an origin has a scheme");
}
