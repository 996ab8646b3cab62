#include "admission/upgrade.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/bytes.h"
#include "wire/credentials.h"
#include "wire/extensions.h"
#include "wire/websocket.h"

namespace foyer::admission {
namespace {

constexpr std::string_view kNginxAll =
    "For nginx, in the location of the socket: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    "proxy_set_header Connection \"upgrade\".";
constexpr std::string_view kNginxConnection =
    "Configure the proxy to send `Connection: Upgrade`; for nginx, in the location of the socket: proxy_set_header "
    "Connection \"upgrade\".";
constexpr std::string_view kHttp11 =
    "Configure the proxy to use HTTP/1.1 with this server; for nginx, in the location of the socket: "
    "proxy_http_version 1.1; proxy_set_header Connection \"upgrade\".";
constexpr std::string_view kUseWss =
    "Use wss://, which a forward proxy on the client's side (Privoxy, a company filter) passes through unread, or "
    "exempt this address there.";

// Headers that identify the proxy that wrote a request without the upgrade, and the line of configuration for it.
struct Product {
  std::string_view header;
  std::string_view holds; // in its value; empty: any value
  std::string_view name;
  std::string_view next;
};
constexpr std::array kProducts = {
    Product{"Via", "squid", "squid",
        "For squid: http_upgrade_request_protocols websocket allow all; the name is case-sensitive, so list WebSocket "
        "as well."},
    Product{"Surrogate-Capability", "", "squid",
        "For squid: http_upgrade_request_protocols websocket allow all; the name is case-sensitive, so list WebSocket "
        "as well."},
    Product{"X-Varnish", "", "varnish",
        "For varnish, in vcl_recv: if (req.http.upgrade ~ \"(?i)websocket\") { return (pipe); } and in vcl_pipe pass "
        "Upgrade and Connection on."},
    Product{"Via", "tinyproxy", "tinyproxy",
        "tinyproxy cannot upgrade: use wss://, for which it opens a tunnel, or another proxy."},
    Product{"X-Forwarded-Server", "", "apache",
        "For apache: ProxyPass /ws/ ws://HOST:PORT/ws/, or upgrade=websocket behind the http:// address (2.4.47 and "
        "later)."},
    Product{"X-Host", "", "lighttpd", "For lighttpd: proxy.header = (\"upgrade\" => \"enable\")."},
};

const Product* product_of(const Request& request) {
  const auto found = std::ranges::find_if(kProducts, [&](const Product& product) {
    if (request.headers.count(product.header) == 0) return false;
    if (product.holds.empty()) return true;
    std::string value = request.headers.joined(product.header);
    std::ranges::transform(
        value, value.begin(), [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    return value.find(product.holds) != std::string::npos;
  });
  return found == kProducts.end() ? nullptr : &*found;
}

Refusal stripped(std::string evidence, std::string field, std::string_view next) {
  return {.cause = Cause::UPGRADE_STRIPPED, .evidence = std::move(evidence), .field = std::move(field), .next = next};
}

// Sec-WebSocket-* without Upgrade: only a proxy produces such a request.
Refusal without_upgrade(const Request& request) {
  std::string evidence = "Sec-WebSocket-* headers without an Upgrade header";
  if (const Product* product = product_of(request))
    return stripped(evidence + "; other headers are those of " + std::string{product->name}, "Upgrade", product->next);
  if (request.version_minor < 1)
    return stripped(evidence + ", as HTTP/1.0, which is what nginx sends by default", "Upgrade", kNginxAll);
  return stripped(std::move(evidence), "Upgrade", {});
}

// Upgrade: websocket arrived, so the client is correct; the rest was lost on the way.
std::optional<Refusal> check_half(const Request& request) {
  if (request.version_minor < 1)
    return stripped("Upgrade: websocket as HTTP/1.0, which cannot be upgraded", "", kHttp11);
  if (wire::list_holds(request, "Connection", "upgrade")) return std::nullopt;
  if (wire::list_holds(request, "Connection", "close"))
    return stripped("Upgrade: websocket with Connection: close", "Connection", kUseWss);
  const std::string seen = request.headers.joined("Connection");
  if (seen.empty())
    return stripped("Upgrade: websocket with an empty Connection header or none", "Connection", kNginxConnection);
  return stripped("Upgrade: websocket with Connection: " + printable(seen, 64), "Connection", kNginxConnection);
}

std::optional<Refusal> check_key(const Request& request) {
  const auto bad = [](std::string evidence) {
    return Refusal{.cause = Cause::BAD_WEBSOCKET_KEY, .evidence = std::move(evidence), .field = "Sec-WebSocket-Key"};
  };
  const std::string* key = request.headers.find("Sec-WebSocket-Key");
  if (key == nullptr) return bad("no Sec-WebSocket-Key");
  if (request.headers.count("Sec-WebSocket-Key") > 1) return bad("Sec-WebSocket-Key more than once");
  if (!wire::valid_websocket_key(*key)) return bad("a Sec-WebSocket-Key that is not 16 bytes of base64");
  return std::nullopt;
}

} // namespace

std::optional<Refusal> check_upgrade(const Request& request) {
  if (request.headers.count("Upgrade") == 0) {
    if (wire::has_websocket_headers(request)) return without_upgrade(request);
    return Refusal{
        .cause = Cause::UPGRADE_MISSING, .evidence = "a request without an Upgrade header", .field = "Upgrade"};
  }
  if (!wire::says_websocket(request))
    return Refusal{.cause = Cause::UPGRADE_MISSING,
        .evidence = "Upgrade: " + printable(request.headers.joined("Upgrade"), 64),
        .field = "Upgrade"};
  if (auto problem = check_half(request)) return problem;
  if (auto problem = check_key(request)) return problem;

  const std::string* version = request.headers.find("Sec-WebSocket-Version");
  if (version == nullptr || request.headers.count("Sec-WebSocket-Version") > 1 || *version != "13") {
    std::string seen = version == nullptr
        ? "no Sec-WebSocket-Version"
        : "Sec-WebSocket-Version: " + printable(request.headers.joined("Sec-WebSocket-Version"), 32);
    return Refusal{
        .cause = Cause::BAD_WEBSOCKET_VERSION, .evidence = std::move(seen), .field = "Sec-WebSocket-Version"};
  }
  // RFC 6455 §9.1: a header that does not follow the grammar fails the handshake. Well-formed offers are never refused,
  // only declined.
  if (request.headers.count("Sec-WebSocket-Extensions") != 0 &&
      !wire::parse_extensions(request.headers.joined("Sec-WebSocket-Extensions")))
    return Refusal{.cause = Cause::BAD_REQUEST,
        .evidence = "a malformed Sec-WebSocket-Extensions header",
        .field = "Sec-WebSocket-Extensions"};
  return std::nullopt;
}

} // namespace foyer::admission
