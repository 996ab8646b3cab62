// HTTP as plain data: a handler's input and its output. No socket,
// no parser; those are in wire and io.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/refusal.h"

namespace foyer {

struct Header {
  std::string name; // as received; compared without case
  std::string value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> init) : list_(init) {}
  void add(std::string name, std::string value) { list_.push_back({std::move(name), std::move(value)}); }
  void set(std::string_view name, std::string value);                 // replaces all of that name
  [[nodiscard]] const std::string* find(std::string_view name) const; // the first, or null
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] std::string joined(std::string_view name) const; // list headers: values joined by ", " (RFC 9110 §5.3)
  [[nodiscard]] const std::vector<Header>& list() const { return list_; }
  [[nodiscard]] std::vector<Header>& list() { return list_; }

 private:
  std::vector<Header> list_;
};

struct Request {
  std::string method; // GET, POST, …
  std::string path;   // percent-encoded, as on the wire, without query
  std::string query;  // without '?'; never logged
  Headers headers;
  std::string body;
  int version_minor = 1; // HTTP/1.x
  // Filled by the gateway, not by the parser:
  std::string address;    // the client's, after TRUSTED_PROXIES
  std::string origin_url; // scheme://host of this request as seen by the client
  bool secure = false;    // the client used https (with us or with a trusted proxy)
  Ref ref;
  std::vector<std::string> path_args; // the values of the route's {…} segments

  [[nodiscard]] std::optional<std::string> query_arg(std::string_view name) const; // percent-decoded, first
};

class BodySource;

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> stream = nullptr; // in place of `body` (body_source.h)
};

// Answers may come later and from another thread; exactly one per request.
using Reply = std::move_only_function<void(Response)>;
using Handler = std::function<void(Request, Reply)>;
// Receives each refused request; called from any thread.
using OnRefusal = std::function<void(const Request&, const Refusal&)>;

// path may hold {name} segments: "/auth/sessions/{id}".
struct Route {
  std::string method;
  std::string path;
  Handler handler;
  bool on_loop = false; // the handler never blocks: it is called on the connection's loop, not on the control plane
};

[[nodiscard]] Response json_response(int status, std::string body);
// A path that is safe to show and log: without text that may be a misplaced
// credential, which is all behind a '=', and every word longer than any name of ours. Printable.
[[nodiscard]] std::string shown_path(std::string_view path);
[[nodiscard]] bool iequals(std::string_view a, std::string_view b); // ASCII
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

} // namespace foyer
