// The table of (method, path) → Handler, and what every answer over HTTP has in
// common: which Host is ours, which origins may read it, what a page may
// load, and the X-Foyer header that marks our answers.
//
// Immutable once built, so every loop may use it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admission/door.h"
#include "base/http.h"
#include "base/refusal.h"

namespace foyer::http {

struct RouterPolicy {
  const admission::DoorPolicy* door = nullptr; // hosts, origins, socket paths, how much is shown; outlives the router
  std::string version = {};
  std::string build = {};
  bool strict_transport = false;   // clients that came by https get Strict-Transport-Security (RFC 6797)
  std::size_t longest_path = 2048; // longer paths are not matched at all
  // Called for each refusal of the router itself; may be empty. Any thread.
  OnRefusal on_refusal = {};
};

class Router {
 public:
  // Routes with {name} segments rank below equal ones without.
  // Two routes with the same method and pattern are a bug and throw std::logic_error.
  Router(std::vector<Route> routes, RouterPolicy policy);

  // The route of a request, whose path_args are filled, or the answer: a CORS
  // preflight, OPTIONS *, HOST_NOT_ALLOWED, UNKNOWN_PATH, METHOD_NOT_ALLOWED (with
  // Allow), METHOD_UNKNOWN, CONTENT_TYPE_UNSUPPORTED. HEAD is answered by GET's handler; the writer leaves
  // the body out.
  [[nodiscard]] std::variant<const Route*, Response> resolve(Request& request) const;

  // Whether any method has a route here: then a request is HTTP, whatever its headers say.
  [[nodiscard]] bool has_route(std::string_view path) const;

  // Put on every answer before it is written: X-Foyer, CORS, caching, and for
  // pages the Content-Security-Policy. A header that a handler set stays.
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
  Response refuse_here(const Request& request, Refusal refusal) const;
  Response unknown_path(const Request& request) const;
  Response preflight(const Request& request, const Pattern& pattern) const;

  RouterPolicy policy_;
  std::vector<Pattern> patterns_; // patterns with more literal segments first
};

// Takes the path of PUBLIC_URL off the front of a request's path, if it is there: some
// proxies do that and some do not. True: the path is the base itself, without the slash
// that makes relative addresses work.
[[nodiscard]] bool strip_base_path(std::string_view base, std::string& path);

// In paths of the server API, // is one /: its clients join their address and the method as they like.
void collapse_api_path(std::string& path);

// Bodies are JSON: CONTENT_TYPE_UNSUPPORTED for any other type, even if the body is
// JSON (a form of another site cannot send this type without a preflight).
[[nodiscard]] std::optional<Refusal> require_json(const Request& request);

} // namespace foyer::http
