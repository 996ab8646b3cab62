#include "redis/bus_url.h"

#include <algorithm>
#include <utility>

namespace foyer::redis {
namespace {

std::unexpected<Refusal> wrong(std::string what) { return refuse(Cause::INVALID_URL, std::move(what)); }

std::string_view take_until(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto first = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return first;
}

Result<void> read_seeds(std::string_view hosts, std::uint16_t port, BusUrl& out) {
  if (hosts.ends_with(',')) return wrong("no host follows the last comma");
  do {
    TRY(seed, parse_host(take_until(hosts, ','), port));
    if (std::ranges::find(out.seeds, seed) != out.seeds.end()) return wrong("a host is named twice");
    out.seeds.push_back(std::move(seed));
    if (out.seeds.size() > kMostSeeds) return wrong("it names more than " + std::to_string(kMostSeeds) + " hosts");
  } while (!hosts.empty());
  out.server.host = out.seeds.front().host;
  out.server.port = out.seeds.front().port;
  return {};
}

// Sentinel takes letters, digits and . - _ in the name of a primary.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
        c == '_';
  });
}

Result<void> read_query(std::string_view query, BusUrl& out) {
  while (!query.empty()) {
    std::string_view value = take_until(query, '&');
    const std::string_view key = take_until(value, '=');
    const auto decoded = percent_decoded(value);
    std::string* const field = key == "sentinel_user" ? &out.sentinel_user
        : key == "sentinel_password"                  ? &out.sentinel_password
                                                      : nullptr;
    if (field == nullptr || !field->empty() || !decoded || decoded->empty())
      return wrong("after the ? only sentinel_user=… and sentinel_password=… may follow, joined by &, percent-encoded");
    *field = *decoded;
  }
  if (!out.sentinel_user.empty() && out.sentinel_password.empty()) return wrong("sentinel_user has no password");
  return {};
}

Result<void> read_sentinels(std::string_view path, std::string_view query, BusUrl& out) {
  if (!path.empty()) path.remove_prefix(1);
  const std::string_view name = take_until(path, '/');
  if (!is_name(name))
    return wrong("after the sentinels follows a / and the name of the primary, as in `sentinel monitor`");
  out.name = name;
  TRY_VOID(parse_db(path, out.server));
  return read_query(query, out);
}

} // namespace

std::string BusUrl::shown() const {
  if (kind == BusUrl::Kind::server) return server.shown();
  std::string out = server.tls ? "rediss+" : "redis+";
  out += kind == BusUrl::Kind::sentinel ? "sentinel://" : "cluster://";
  for (const Endpoint& seed : seeds) out += (&seed == &seeds.front() ? "" : ",") + seed.shown();
  if (kind == BusUrl::Kind::sentinel) out += "/" + name + "/" + std::to_string(server.db);
  return out;
}

Result<BusUrl> parse_bus_url(std::string_view text) {
  BusUrl out;
  const auto scheme = text.substr(0, std::min(text.find("://"), text.size()));
  if (scheme == "redis+sentinel" || scheme == "rediss+sentinel")
    out.kind = BusUrl::Kind::sentinel;
  else if (scheme == "redis+cluster" || scheme == "rediss+cluster")
    out.kind = BusUrl::Kind::cluster;
  if (out.kind == BusUrl::Kind::server) {
    TRY(server, parse_server_url(text));
    out.server = std::move(server);
    return out;
  }
  TRY_VOID(check_characters(text));
  out.server.tls = scheme.starts_with("rediss");
  text.remove_prefix(std::min(scheme.size() + 3, text.size()));
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end), path = text.substr(end);
  if (path.find('@') != std::string_view::npos)
    return wrong("an @ follows the host; a / ? or # in a user name or password is written as %2F %3F or %23");
  if (path.find('#') != std::string_view::npos) return wrong("it has a fragment");
  const auto question = std::min(path.find('?'), path.size());
  const std::string_view query = path.substr(std::min(question + 1, path.size()));
  path = path.substr(0, question);
  TRY_VOID(take_credentials(authority, out.server));
  TRY_VOID(read_seeds(authority, out.kind == BusUrl::Kind::sentinel ? kSentinelPort : out.server.port, out));
  if (out.kind == BusUrl::Kind::sentinel) {
    TRY_VOID(read_sentinels(path, query, out));
  } else if ((!path.empty() && path != "/") || !query.empty()) {
    return wrong("nothing follows the hosts of a cluster: it has one database, 0");
  }
  return out;
}

} // namespace foyer::redis
