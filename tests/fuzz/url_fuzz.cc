// URLs: what was read can be written and read again, and is the same.
#include <string>
#include <string_view>

#include "fuzz.h"
#include "wire/http_lines.h"
#include "wire/url.h"

using namespace foyer::wire;

FUZZER(url) {
  (void)is_loopback_host(input);
  (void)valid_host(input);
  const auto url = parse_url(input);
  if (!url) {
    invariant(url.error().cause == foyer::Cause::INVALID_URL, "a bad URL is INVALID_URL");
    invariant(!url.error().evidence.empty(), "a refusal says why");
    return;
  }
  invariant(!url->host.empty() && url->port != 0, "a URL has a host and a port");
  invariant(
      is_ip_literal(url->host) || url->host.find_first_of(":[]@/") == std::string::npos, "a name holds no other part");
  invariant(valid_host(url->authority()), "an authority can stand in a Host header");
  const auto again = parse_url(url->origin() + url->path + (url->query.empty() ? "" : "?" + url->query));
  invariant(again.has_value(), "what was read can be read again");
  invariant(again->host == url->host && again->port == url->port && again->path == url->path &&
          again->query == url->query && again->scheme == url->scheme,
      "and is the same");
}
