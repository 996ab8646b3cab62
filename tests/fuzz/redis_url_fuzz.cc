// URLs of Redis servers: what is read is read the same again, and nothing of a secret is shown.
#include <string>

#include "fuzz.h"
#include "redis/server_url.h"

using namespace foyer::redis;

namespace {

constexpr std::string_view kMark = "SECRETMARK"; // stands for a password in the inputs

bool has_mark(std::string_view text) { return text.find(kMark) != std::string_view::npos; }

} // namespace

FUZZER(redis_url) {
  const auto url = parse_server_url(input);
  if (!url) {
    invariant(!has_mark(url.error().evidence) && !has_mark(url.error().detail), "a refusal quotes no secret");
    invariant(!url.error().evidence.empty(), "a refusal has a reason");
    return;
  }
  invariant(url->port != 0 && !url->host.empty() && url->db <= kMostDb, "a URL has a host, a port and a database");
  invariant(url->user.empty() || !url->password.empty(), "a user has a password");
  const std::string shown = url->shown();
  invariant(!has_mark(shown) || has_mark(url->host), "no secret is shown");
  const auto again = parse_server_url(shown);
  invariant(again && again->host == url->host && again->port == url->port && again->tls == url->tls &&
          again->db == url->db && again->user.empty() && again->password.empty(),
      "what is shown names the same server");
}
