// URLs of Redis servers, alone, behind Sentinel and in a cluster: what is read is read the same again, and nothing of a
// secret is shown.
#include <string>

#include "fuzz.h"
#include "redis/bus_url.h"

using namespace foyer::redis;

namespace {

constexpr std::string_view kMark = "SECRETMARK"; // stands for a password in the inputs

bool has_mark(std::string_view text) { return text.find(kMark) != std::string_view::npos; }

} // namespace

FUZZER(redis_url) {
  const auto url = parse_bus_url(input);
  if (!url) {
    invariant(!has_mark(url.error().evidence) && !has_mark(url.error().detail), "a refusal quotes no secret");
    invariant(!url.error().evidence.empty(), "a refusal has a reason");
    return;
  }
  const ServerUrl& server = url->server;
  invariant(
      server.port != 0 && !server.host.empty() && server.db <= kMostDb, "a URL has a host, a port and a database");
  invariant(server.user.empty() || !server.password.empty(), "a user has a password");
  invariant(url->seeds.empty() == (url->kind == BusUrl::Kind::server), "sentinels and clusters have hosts");
  invariant(url->name.empty() == (url->kind != BusUrl::Kind::sentinel), "sentinels have a name to ask for");
  const std::string shown = url->shown();
  std::string public_parts = server.host + url->name;
  for (const Endpoint& seed : url->seeds) public_parts += " " + seed.host;
  invariant(!has_mark(shown) || has_mark(public_parts), "no secret is shown");
  const auto again = parse_bus_url(shown);
  invariant(again && again->kind == url->kind && again->seeds == url->seeds && again->name == url->name &&
          again->server.host == server.host && again->server.port == server.port && again->server.tls == server.tls &&
          again->server.db == server.db && again->server.user.empty() && again->server.password.empty(),
      "what is shown names the same servers");
}
