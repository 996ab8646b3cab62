// What the door and the limits of this folder are configured with. Options of config/table.h point here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace foyer::admission {

enum class RefuseWith : std::uint8_t {
  automatic, // a close frame to clients that hide an HTTP answer from their page (browsers, Node, Deno), HTTP to all
             // others
  http,
  close,
};

// A socket path and what it requires.
struct SocketPath {
  std::string path;                      // /ws/chat
  std::vector<std::string> subprotocols; // those we speak there: foyer.v1
  bool needs_token = true;               // /ws/echo with echo = open: false; no credential is looked at
  bool needs_chat_permission = true;     // chat:read or chat:write
  bool asks_application = false;         // before a client is admitted there (the event `connect`)
  bool first_message = true;             // whether a first message `authenticate` is accepted; /ws/echo: false
};

// Built once from the configuration; immutable.
struct DoorPolicy {
  std::vector<SocketPath> sockets;
  std::vector<std::string> allowed_origins; // exact serialised origins
  std::vector<std::string> allowed_hosts;   // lower case, without port; IP literals and localhost always pass
  bool first_message_auth = true;
  bool token_in_url = false; // ?token= / ?access_token= accepted
  RefuseWith refuse_with = RefuseWith::automatic;
  std::size_t max_token_bytes = 8 * 1024;
  std::string public_ws_base;  // ws://host:port[/path], to name the right URL
  std::string base_path = {};  // of PUBLIC_URL: "" or /path; requests arrive with or without it
  bool secure_cookies = false; // staging, production: the cookie has its https name even if the request came by http
  bool reveal = false;         // ENVIRONMENT=development: clients also get the operator's text
};

// Limits of the process.
struct ConnectionPolicy {
  std::uint32_t connections = 100'000;   // open sockets of any kind
  std::uint32_t handshakes = 10'000;     // of them: neither admitted nor answered yet
  std::uint32_t refused_sockets = 1'000; // beyond these two: read only to send the reason
  std::uint32_t pending = 5'000;         // upgraded and not yet authenticated
  std::uint32_t refusal_upgrades = 256;  // upgraded only to send the reason
  std::uint32_t connects_per_s = 20'000; // handshakes of the whole process, with bursts of as many
  std::uint32_t requests = 1'024;        // handed to the control plane and not answered yet
  std::uint32_t per_user = 100;          // open sockets of one user
};

// Limits of one network address.
struct AddressPolicy {
  std::uint32_t handshakes = 1000; // per `window`
  std::uint32_t refusals = 300;    // per `window`
  Millis window{10'000};
  std::uint32_t connections = 10'000;                       // open at once
  std::uint32_t arriving = 5'000;                           // neither admitted nor answered, at once
  std::size_t table_size = 65'536;                          // addresses with a row of their own
  std::string_view handshakes_limit = "address_handshakes"; // the limit's name
  std::uint64_t seed = 0; // of the hash; a client that does not know it cannot choose a network to share a count with
};

} // namespace foyer::admission
