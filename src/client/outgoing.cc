#include "client/outgoing.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "client/address_scope.h"

namespace foyer::client {
namespace {

std::unexpected<Refusal> not_allowed(std::string why) { return refuse(Cause::URL_NOT_ALLOWED, std::move(why)); }

Result<void> allow_foreign(const wire::Url& url, const OutgoingPolicy& policy) {
  if (url.scheme != "https") return not_allowed(fmt::format("its scheme is {} and not https", url.scheme));
  if (std::ranges::find(policy.foreign_ports, url.port) == policy.foreign_ports.end())
    return not_allowed(fmt::format("port {} is not allowed", url.port));
  if (const auto literal = parse_ip(url.host))
    if (const auto use = special_use(*literal))
      return not_allowed(fmt::format("{} is in {}", printable(url.host, 64), *use));
  return {};
}

} // namespace

Result<OutgoingServer> outgoing(std::string_view text, UrlSource source, const OutgoingPolicy& policy) {
  const bool foreign = source == UrlSource::foreign;
  auto url = wire::parse_url(text);
  if (!url && foreign) return not_allowed(std::move(url).error().evidence);
  if (!url) return std::unexpected(std::move(url).error());
  if (foreign) {
    TRY_VOID(allow_foreign(*url, policy));
  } else if (url->scheme != "https" && url->scheme != "http") {
    return refuse(Cause::INVALID_URL, fmt::format("its scheme is {} and not http or https", url->scheme));
  }
  std::string target = request_target(*url);
  url->path.clear();
  url->query.clear();
  return OutgoingServer{.pool = {.server = std::move(*url),
                            .tls = policy.tls,
                            .connections = policy.connections,
                            .waiting = policy.waiting,
                            .answer_bytes = kOutgoingAnswerBytes,
                            .reach = foreign ? Reach::global : Reach::any},
      .target = std::move(target)};
}

std::optional<Refusal> refused_by_policy(const NetError& error) {
  if (error.kind != NetError::Kind::not_allowed) return std::nullopt;
  return Refusal{.cause = Cause::URL_NOT_ALLOWED, .evidence = error.what};
}

} // namespace foyer::client
