#include "http/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>

#include "admission/mirror.h"
#include "base/bytes.h"
#include "base/json.h"
#include "wire/api_error.h"
#include "wire/problem.h"
#include "wire/request_fields.h"

namespace foyer::http {
namespace {

// The methods that routes may have.
constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";

bool is_method(std::string_view method) {
  constexpr std::array<std::string_view, 9> kKnown = {
      "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"};
  return std::ranges::find(kKnown, method) != kKnown.end();
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool under(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

// Paths that machines request under any name of this host. The answers do not depend on the name.
bool any_host(std::string_view path) {
  return under(path, "/health") || path == "/metrics" || under(path, "/internal") || path == "/.well-known/jwks.json" ||
      path == "/auth/check";
}

// A gateway calls its auth service by the host of AUTH_SERVICE_URL, which need not be an allowed host. The handlers
// verify the service's signature.
bool from_service(const Request& request) {
  return (under(request.path, "/auth") || under(request.path, "/oauth2") || under(request.path, "/.well-known")) &&
      request.headers.find("X-Service-ID") != nullptr;
}

bool shared_with_origins(std::string_view path) {
  return under(path, "/auth") || under(path, "/oauth2") || under(path, "/health") || under(path, "/rooms");
}

bool never_stored(std::string_view path) {
  return under(path, "/auth") || under(path, "/oauth2") || under(path, "/api") || under(path, "/internal") ||
      under(path, "/rooms");
}

bool is_problem(const Response& response) {
  const std::string* type = response.headers.find("Content-Type");
  return type != nullptr && *type == "application/problem+json";
}

bool is_form(std::string_view path) { return under(path, "/oauth2"); }

bool is_page(const Response& response) {
  const std::string* type = response.headers.find("Content-Type");
  return type != nullptr && type->starts_with("text/html");
}

void add_once(Response& response, std::string_view name, std::string value) {
  if (response.headers.find(name) == nullptr) response.headers.add(std::string(name), std::move(value));
}

// `https://chat.example` → `wss://chat.example`. Browsers disagree whether 'self' in connect-src covers WebSockets, so
// the page's own address is named as well.
std::string socket_source(const Request& request) {
  const std::string_view url = request.origin_url;
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view(".-:[]/").contains(c);
  };
  if (!url.starts_with("http") || !std::ranges::all_of(url, plain)) return {};
  return " ws" + std::string(url.substr(4));
}

std::string content_security_policy(const Request& request) {
  return fmt::format(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src "
      "'self'; "
      "connect-src 'self'{}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      socket_source(request));
}

// Puts the path of PUBLIC_URL before the address of the cause's page in a problem.
void move_below_base(std::string_view base, Response& response) {
  if (base.empty()) return;
  if (!is_problem(response)) return;
  constexpr std::string_view kType = "\"type\":\"";
  const auto at = response.body.find(std::string(kType) + "/causes/");
  if (at != std::string::npos) response.body.insert(at + kType.size(), base);
}

std::string listed(const std::vector<Route>& methods) {
  std::string out;
  for (const Route& route : methods) {
    out += (out.empty() ? "" : ", ") + route.method;
    if (route.method == "GET") out += ", HEAD";
  }
  return out;
}

} // namespace

Router::Router(std::vector<Route> routes, RouterPolicy policy) : policy_(std::move(policy)) {
  for (Route& route : routes) {
    Pattern pattern;
    for (const std::string_view segment : split(route.path)) {
      const bool open = segment.starts_with('{') && segment.ends_with('}');
      pattern.literals += open ? 0 : 1;
      pattern.segments.emplace_back(open ? "{}" : segment);
    }
    auto known = std::ranges::find(patterns_, pattern.segments, &Pattern::segments);
    if (known == patterns_.end()) known = patterns_.insert(patterns_.end(), std::move(pattern));
    if (std::ranges::find(known->methods, route.method, &Route::method) != known->methods.end())
      throw std::logic_error("two routes for " + route.method + " " + route.path);
    known->methods.push_back(std::move(route));
  }
  std::ranges::stable_sort(patterns_, std::greater{}, &Pattern::literals);
  for (const Pattern& pattern : patterns_)
    if (pattern.literals == pattern.segments.size()) literal_.emplace(pattern.methods.front().path, &pattern);
}

const Router::Pattern* Router::match(std::string_view path, std::vector<std::string>& args) const {
  if (path.size() > policy_.longest_path) return nullptr;
  args.clear();
  if (const auto found = literal_.find(path); found != literal_.end()) return found->second;
  const auto segments = split(path);
  for (const Pattern& pattern : patterns_) {
    if (pattern.segments.size() != segments.size()) continue;
    args.clear();
    bool fits = true;
    for (std::size_t i = 0; fits && i < pattern.segments.size(); ++i) {
      if (pattern.segments[i] != "{}") {
        fits = pattern.segments[i] == segments[i];
      } else if (auto decoded = percent_decode(segments[i]); decoded && !decoded->empty()) {
        args.push_back(std::move(*decoded));
      } else {
        fits = false;
      }
    }
    if (fits) return &pattern;
  }
  return nullptr;
}

bool Router::has_route(std::string_view path) const {
  std::vector<std::string> args;
  return match(path, args) != nullptr;
}

std::variant<const Route*, Response> Router::resolve(Request& request) const {
  if (!any_host(request.path) && !from_service(request) && !admission::host_allowed(*policy_.door, request)) {
    const std::string* host = request.headers.find("Host");
    return refuse_here(request,
        {.cause = Cause::HOST_NOT_ALLOWED,
            .evidence = "Host " + printable(host != nullptr ? *host : ""),
            .field = "Host"});
  }
  if (request.path == "*") { // OPTIONS for the whole server (RFC 9110 §9.3.7): a ping
    Response response{.status = 204, .headers = {}, .body = {}};
    response.headers.add("Allow", std::string(kMethods) + ", OPTIONS");
    return response;
  }
  const Pattern* pattern = match(request.path, request.path_args);
  if (pattern == nullptr) return unknown_path(request);
  if (request.method == "OPTIONS" && shared_with_origins(request.path)) return preflight(request, *pattern);

  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  const auto found = std::ranges::find(pattern->methods, method, &Route::method);
  if (found == pattern->methods.end() && !is_method(request.method)) // RFC 9110 §9.1
    return refuse_here(request,
        {.cause = Cause::METHOD_UNKNOWN,
            .evidence = printable(request.method) + " on " + shown_path(request.path),
            .field = "method"});
  if (found == pattern->methods.end()) {
    Response response = refuse_here(request,
        {.cause = Cause::METHOD_NOT_ALLOWED,
            .evidence = printable(request.method) + " on " + shown_path(request.path)});
    response.headers.set("Allow", listed(pattern->methods));
    return response;
  }
  if (!request.body.empty() && !is_form(request.path)) {
    if (auto refusal = require_json(request)) return refuse_here(request, std::move(*refusal));
  }
  return &*found;
}

Response Router::refuse_here(const Request& request, Refusal refusal) const {
  if (policy_.on_refusal) policy_.on_refusal(request, refusal);
  return wire::problem(refusal, request.ref, policy_.door != nullptr && policy_.door->reveal);
}

// 404. If the path is close to that of a socket, the answer names the socket's address.
Response Router::unknown_path(const Request& request) const {
  Response response = refuse_here(
      request, {.cause = Cause::UNKNOWN_PATH, .evidence = printable(request.method) + " " + shown_path(request.path)});
  const std::string_view path = request.path;
  const bool wants_socket = request.headers.find("Upgrade") != nullptr ||
      request.headers.find("Sec-WebSocket-Key") != nullptr || under(path, "/ws") || under(path, "/wss") ||
      path.find("socket") != std::string_view::npos || under(path, "/chat") || under(path, "/echo");
  if (!wants_socket) return response;
  auto body = json::parse(response.body);
  if (!body || !body->is_object()) return response;
  json::Array sockets;
  for (const admission::SocketPath& socket : policy_.door->sockets) sockets.emplace_back(socket.path);
  body->as_object()["sockets"] = std::move(sockets);
  response.body = json::write(*body);
  return response;
}

Response Router::preflight(const Request& request, const Pattern& pattern) const {
  const std::string* origin = wire::sole(request.headers, "Origin");
  if (origin == nullptr || !admission::origin_allowed(*policy_.door, *origin)) {
    return refuse_here(request,
        {.cause = request.headers.count("Origin") == 0 ? Cause::ORIGIN_REQUIRED : Cause::ORIGIN_NOT_ALLOWED,
            .evidence = request.headers.count("Origin") == 0
                ? std::string("preflight without Origin")
                : "preflight from " + printable(request.headers.joined("Origin")),
            .field = "Origin"});
  }
  Response response{.status = 204, .headers = {}, .body = {}};
  response.headers.add("Access-Control-Allow-Methods", listed(pattern.methods));
  response.headers.add("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Room-Token");
  response.headers.add("Access-Control-Max-Age", "600");
  return response;
}

std::string Router::mark(const Ref& ref) const {
  return fmt::format("{}; build={}; ref={}", policy_.version, policy_.build, ref.view());
}

void Router::decorate(const Request& request, Response& response) const {
  if (policy_.door != nullptr) move_below_base(policy_.door->base_path, response);
  response.headers.list().reserve(response.headers.list().size() + 6); // most answers get four
  // Also for a request with an API key to a wrong path.
  const bool of_api = under(request.path, "/api") || request.headers.find("X-API-Key") != nullptr;
  if (of_api && is_problem(response)) wire::add_api_error(response);
  show_what_was_seen(request, response);
  add_once(response, "X-Foyer", mark(request.ref));
  add_once(response, "X-Content-Type-Options", "nosniff");
  if (policy_.strict_transport && request.secure) add_once(response, "Strict-Transport-Security", "max-age=31536000");
  if (never_stored(request.path)) add_once(response, "Cache-Control", "no-store");
  if (is_page(response)) {
    add_once(response, "Referrer-Policy", "no-referrer");
    add_once(response, "Content-Security-Policy", content_security_policy(request));
    add_once(response, "X-Frame-Options", "DENY");
    add_once(response, "Cross-Origin-Opener-Policy", "same-origin");
  }
  if (!shared_with_origins(request.path)) return;
  // With every answer, so that no cache serves one origin's answer to another (RFC 9110 §12.5.5).
  if (const auto* vary = response.headers.find("Vary"); vary == nullptr || vary->find("Origin") == std::string::npos)
    response.headers.add("Vary", "Origin");
  const std::string* origin = wire::sole(request.headers, "Origin");
  if (origin == nullptr || !admission::origin_allowed(*policy_.door, *origin)) return;
  add_once(response, "Access-Control-Allow-Origin", *origin);
  add_once(response, "Access-Control-Expose-Headers", "X-Foyer, Retry-After, WWW-Authenticate");
}

void Router::show_what_was_seen(const Request& request, Response& response) const {
  if (!policy_.doctor || !is_problem(response)) return;
  const std::string* token = wire::sole(request.headers, admission::kDoctorHeader);
  if (token == nullptr) return;
  admission::add_mirror(*policy_.door, request, policy_.doctor(*token), response);
}

void collapse_api_path(std::string& path) {
  const auto first = path.find_first_not_of('/');
  if (first == 0 || first == std::string::npos || path.find("//") == std::string::npos) return;
  std::string collapsed;
  for (const char c : path)
    if (c != '/' || !collapsed.ends_with('/')) collapsed += c;
  if (under(collapsed, "/api")) path = std::move(collapsed);
}

bool strip_base_path(std::string_view base, std::string& path) {
  if (base.empty() || !under(path, base)) return false;
  path.erase(0, base.size());
  if (!path.empty()) return false;
  path = "/";
  return true;
}

std::optional<Refusal> require_json(const Request& request) {
  if (wire::is_of_type(request.headers, "application/json")) return std::nullopt;
  const std::string* type = request.headers.find("Content-Type");
  return Refusal{.cause = Cause::CONTENT_TYPE_UNSUPPORTED,
      .evidence = type != nullptr ? "Content-Type " + printable(*type) : "no Content-Type",
      .field = "Content-Type"};
}

} // namespace foyer::http
