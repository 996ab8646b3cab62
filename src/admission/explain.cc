// The answer to a plain GET on a socket path, and which requests are the door's.
#include "admission/door.h"
#include "admission/evidence.h"
#include "base/bytes.h"
#include "base/json.h"
#include "wire/problem.h"

namespace foyer::admission {

bool is_socket_path(const DoorPolicy& policy, const Request& request) {
  return find_socket(policy, request.path) != nullptr;
}

bool asks_for_socket(const Request& request) {
  return wire::says_websocket(request) || wire::has_websocket_headers(request);
}

bool is_plain_get(const DoorPolicy& policy, const Request& request) {
  return request.method == "GET" && is_socket_path(policy, request) && !asks_for_socket(request);
}

Response explain_plain_get(const DoorPolicy& policy, const Request& request) {
  const std::string* origin = request.headers.find("Origin");
  const bool foreign = origin != nullptr && (request.headers.count("Origin") != 1 || !origin_allowed(policy, *origin));

  Refusal refusal{.cause = Cause::UPGRADE_MISSING, .evidence = "a plain GET on a socket path", .field = "Upgrade"};
  if (!host_allowed(policy, request))
    refusal = {.cause = Cause::HOST_NOT_ALLOWED, .evidence = "a plain GET on a socket path", .field = "Host"};
  else if (foreign)
    refusal = {.cause = Cause::ORIGIN_NOT_ALLOWED,
        .evidence = "Origin: " + printable(request.headers.joined("Origin"), 128),
        .field = "Origin"};

  Response response = wire::problem(refusal, request.ref, policy.reveal && !foreign);
  if (auto body = json::parse(response.body); body && body->is_object()) {
    json::Array sockets;
    for (const auto& socket : policy.sockets) sockets.emplace_back(std::string_view{socket.path});
    body->get_object()["sockets"] = std::move(sockets);
    response.body = json::write(*body);
  }
  response.headers.set("Access-Control-Allow-Origin", "*");
  response.headers.set("Vary", "Origin");
  if (foreign) response.headers.set("X-Foyer", "foyer; ref=" + request.ref.str());
  return response;
}

} // namespace foyer::admission
