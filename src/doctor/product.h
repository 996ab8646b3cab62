// Which product answered, by the marks that it leaves in its answers: headers and the texts of its own error pages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "doctor/facts.h"

namespace foyer::doctor {

enum class Product : std::uint8_t {
  nginx,
  apache,
  caddy,
  haproxy,
  envoy,
  traefik,
  squid,
  varnish,
  lighttpd,
  traffic_server,
  h2o,
  nghttpx,
  tinyproxy,
  iis,
  cloudflare,
  cloudfront,
  akamai,
  fastly,
  aws_balancer,
  google_balancer,
  heroku,
  kong,
};

[[nodiscard]] std::string_view name_of(Product product); // "HAProxy"

struct Recognised {
  Product product{};
  std::string by; // "Server: nginx/1.22.1"
};

// The product that made this answer, or passed it on; nothing: it left no mark.
[[nodiscard]] std::optional<Recognised> recognise(const Exchange& exchange);

// Content delivery networks and firewalls for web applications: an answer 403 of theirs is their own decision.
[[nodiscard]] bool filters_requests(Product product);
// The id of the request in the log of such a product: "CF-Ray: 8c1…"; empty: none.
[[nodiscard]] std::string request_id(const Exchange& exchange);

} // namespace foyer::doctor
