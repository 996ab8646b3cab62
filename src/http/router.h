// The table of (method, path) → Handler, and what all HTTP answers have in common: the check of Host, CORS, the
// Content-Security-Policy of pages, and the X-Foyer header that marks answers of this server.
//
// Immutable once built, so every loop may use it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "admission/door.h"
#include "base/http.h"
#include "base/refusal.h"

namespace foyer::http {

struct RouterPolicy {
  const admission::DoorPolicy* door = nullptr; // hosts, origins, socket paths, reveal; must outlive the router
  std::string version = {};
  std::string build = {};
  bool strict_transport = false;   // send Strict-Transport-Security to https clients (RFC 6797)
  std::size_t longest_path = 2048; // longer paths match no route
  // Called for each refusal of the router itself; may be empty. Any thread.
  OnRefusal on_refusal = {};
  // Why a doctor's token is not accepted; nullopt: it is. Empty: nobody is shown what the server saw. Any thread.
  std::function<std::optional<Refusal>(std::string_view token)> doctor = {};
};

class Router {
 public:
  // A literal segment is preferred to a {name} segment. Two routes with the same method and pattern are a bug and throw
  // std::logic_error.
  Router(std::vector<Route> routes, RouterPolicy policy);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // The route of a request (its path_args are filled in), or the router's own answer: a CORS preflight, OPTIONS *,
  // HOST_NOT_ALLOWED, UNKNOWN_PATH, METHOD_NOT_ALLOWED (with Allow), METHOD_UNKNOWN, CONTENT_TYPE_UNSUPPORTED. HEAD
  // gets the route of GET; the writer omits the body.
  [[nodiscard]] std::variant<const Route*, Response> resolve(Request& request) const;

  // Whether the path has a route for any method. Then a request is plain HTTP, even with upgrade headers.
  [[nodiscard]] bool has_route(std::string_view path) const;

  // Adds the common headers to an answer before it is written: X-Foyer, CORS, caching, and for pages the
  // Content-Security-Policy. A header that a handler has set stays. A refusal on a socket's path that a doctor asked
  // for gets `saw` (admission/mirror.h), or `doctor` with the code of why its token was not accepted.
  void decorate(const Request& request, Response& response) const;
  [[nodiscard]] const admission::DoorPolicy& door() const { return *policy_.door; }
  // The value of X-Foyer.
  [[nodiscard]] std::string mark(const Ref& ref) const;

 private:
  struct Pattern {
    std::vector<std::string> segments; // "{}" matches one whole segment
    std::vector<Route> methods;
    std::size_t literals = 0;
  };
  const Pattern* match(std::string_view path, std::vector<std::string>& args) const;
  void show_what_was_seen(const Request& request, Response& response) const;
  Response refuse_here(const Request& request, Refusal refusal) const;
  Response unknown_path(const Request& request) const;
  Response preflight(const Request& request, const Pattern& pattern) const;

  RouterPolicy policy_;
  std::vector<Pattern> patterns_;                                // those with more literal segments first
  std::unordered_map<std::string_view, const Pattern*> literal_; // those without {name} segments, by path
};

// Removes the path of PUBLIC_URL from the front of a request's path, if the proxy has not done so. True: the path is
// the base itself without its final slash, which relative addresses need.
[[nodiscard]] bool strip_base_path(std::string_view base, std::string& path);

// Replaces // by / in paths of the server API: client libraries join address and method with one slash too many.
void collapse_api_path(std::string& path);

// CONTENT_TYPE_UNSUPPORTED for a body of any type but JSON, even if its text is JSON: a form of another site cannot
// send this type without a preflight.
[[nodiscard]] std::optional<Refusal> require_json(const Request& request);

} // namespace foyer::http
