#include "doctor/product.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/http.h"
#include "doctor/lower.h"

namespace foyer::doctor {
namespace {

// A product is where this header has this text, in any case; an empty text: where the header is at all.
struct Mark {
  Product product;
  std::string_view header;
  std::string_view text;
};

// The outermost first: a content delivery network passes the Server header of what is behind it on, or sets its own.
constexpr std::array kMarks = {
    Mark{Product::cloudflare, "CF-Ray", ""},
    Mark{Product::cloudflare, "Server", "cloudflare"},
    Mark{Product::cloudfront, "X-Amz-Cf-Id", ""},
    Mark{Product::cloudfront, "Via", "cloudfront"},
    Mark{Product::akamai, "Server", "akamai"},
    Mark{Product::akamai, "X-Akamai-Request-ID", ""},
    Mark{Product::fastly, "X-Fastly-Request-ID", ""},
    Mark{Product::fastly, "X-Served-By", "cache-"},
    Mark{Product::aws_balancer, "Server", "awselb"},
    Mark{Product::google_balancer, "Via", "1.1 google"},
    Mark{Product::heroku, "Via", "vegur"},
    Mark{Product::heroku, "Via", "heroku"},
    Mark{Product::kong, "Via", "kong"},
    Mark{Product::kong, "Server", "kong"},
    Mark{Product::squid, "X-Squid-Error", ""},
    Mark{Product::squid, "Via", "squid"},
    Mark{Product::squid, "Server", "squid"},
    Mark{Product::varnish, "X-Varnish", ""},
    Mark{Product::varnish, "Via", "varnish"},
    Mark{Product::varnish, "Server", "varnish"},
    Mark{Product::tinyproxy, "Via", "tinyproxy"},
    Mark{Product::tinyproxy, "Server", "tinyproxy"},
    Mark{Product::traffic_server, "Server", "ats"},
    Mark{Product::traffic_server, "Via", "apachetrafficserver"},
    Mark{Product::nghttpx, "Via", "nghttpx"},
    Mark{Product::nghttpx, "Server", "nghttpx"},
    Mark{Product::envoy, "Server", "envoy"},
    Mark{Product::envoy, "X-Envoy-Upstream-Service-Time", ""},
    Mark{Product::nginx, "Server", "nginx"},
    Mark{Product::nginx, "Server", "openresty"},
    Mark{Product::apache, "Server", "apache"},
    Mark{Product::lighttpd, "Server", "lighttpd"},
    Mark{Product::h2o, "Server", "h2o"},
    Mark{Product::iis, "Server", "microsoft-"},
    Mark{Product::caddy, "Server", "caddy"},
};

// Products whose own error pages have no Server header.
struct Page {
  Product product;
  int status;
  std::string_view text;
};
constexpr std::array kPages = {
    Page{Product::haproxy, 502, "The server returned an invalid or incomplete response."},
    Page{Product::haproxy, 503, "No server is available to handle this request."},
    Page{Product::haproxy, 504, "The server didn't respond in time."},
    Page{Product::haproxy, 403, "Request forbidden by administrative rules."},
    Page{Product::haproxy, 400, "Your browser sent an invalid request."},
    Page{Product::haproxy, 408, "Your browser didn't send a complete request in time."},
    Page{Product::traefik, 404, "404 page not found"},
    Page{Product::varnish, 503, "Guru Meditation"},
    Page{Product::lighttpd, 503, "Service Not Available"},
};

constexpr std::array<std::string_view, 22> kNames = {"nginx", "Apache", "Caddy", "HAProxy", "Envoy", "Traefik", "squid",
    "Varnish", "lighttpd", "Apache Traffic Server", "H2O", "nghttpx", "tinyproxy", "IIS", "Cloudflare", "CloudFront",
    "Akamai", "Fastly", "the AWS load balancer", "the Google load balancer", "Heroku's router", "Kong"};

} // namespace

std::string_view name_of(Product product) { return kNames.at(static_cast<std::size_t>(product)); }

std::optional<Recognised> recognise(const Exchange& exchange) {
  for (const auto& mark : kMarks) {
    const std::string value = exchange.headers.joined(mark.header);
    if (exchange.headers.find(mark.header) == nullptr) continue;
    if (mark.product == Product::traffic_server && mark.header == "Server" && !lower(value).starts_with("ats"))
      continue;
    if (lower(value).find(mark.text) == std::string::npos) continue;
    return Recognised{mark.product, std::string(mark.header) + ": " + printable(value, 96)};
  }
  for (const auto& page : kPages)
    if (exchange.status == page.status && exchange.body.find(page.text) != std::string::npos)
      return Recognised{page.product, "its error page"};
  return std::nullopt;
}

bool filters_requests(Product product) {
  switch (product) {
    case Product::cloudflare:
    case Product::cloudfront:
    case Product::akamai:
    case Product::fastly:
    case Product::aws_balancer:
    case Product::google_balancer: return true;
    default: return false;
  }
}

std::string request_id(const Exchange& exchange) {
  for (const auto* name : {"CF-Ray", "X-Amz-Cf-Id", "X-Akamai-Request-ID", "X-Fastly-Request-ID", "X-Request-Id"})
    if (const std::string* value = exchange.headers.find(name); value != nullptr)
      return std::string(name) + ": " + printable(*value, 96);
  return {};
}

} // namespace foyer::doctor
