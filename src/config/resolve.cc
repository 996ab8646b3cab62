#include <fmt/format.h>

#include <algorithm>

#include "config/options.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

void add(std::vector<std::string>& list, std::string value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(std::move(value));
}

} // namespace

void resolve_addresses(Config& config, std::uint16_t bound_port) {
  const bool tls = !config.tls_cert_file.empty();
  const std::string scheme = tls ? "https" : "http";
  const bool given = !config.public_url.empty();
  if (!given && bound_port != 0) {
    std::string host = config.listen.host;
    if (host == "0.0.0.0" || host == "::") host = "localhost"; // "everywhere" is not a name to connect to
    if (host.find(':') != std::string::npos) host = fmt::format("[{}]", host);
    config.public_url = fmt::format("{}://{}:{}", scheme, host, bound_port);
  }
  const auto url = wire::parse_url(config.public_url);
  if (url) {
    config.base_path = url->path;
    while (config.base_path.ends_with('/')) config.base_path.pop_back();
    config.public_url = url->origin() + config.base_path;
  }
  if (config.jwt_issuer.empty()) config.jwt_issuer = given && url ? config.public_url : "foyer";
  if (!url) return;
  add(config.allowed_hosts, url->host);
  if (!config.allowed_origins.empty()) return;
  add(config.allowed_origins, url->origin());
  if (config.environment != Environment::development || bound_port == 0) return;
  for (const std::string_view host : {"localhost", "127.0.0.1"}) {
    const auto local = wire::parse_url(fmt::format("{}://{}:{}", scheme, host, bound_port));
    if (local) add(config.allowed_origins, local->origin());
  }
}

} // namespace foyer::config
