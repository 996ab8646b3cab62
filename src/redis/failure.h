// Why a command has no reply that can be used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis/redirect.h"

namespace foyer::redis {

struct Failure {
  enum class Kind : std::uint8_t {
    unreachable, // no connection: not resolved, refused, not in time
    no_primary,  // nobody knows where the primary is
    tls,         // the handshake failed: certificate, name
    login,       // user or password refused, or the user may not do this
    lost,        // the connection ended
    timeout,     // no reply in time; the connection was closed for it
    protocol,    // the server sent what is not RESP2, or a reply beyond our limits; the connection was closed
    full,        // nothing was sent: too many commands or bytes are waiting
    closed,      // nothing was sent, or the reply was not awaited: this end is closing
    loading,     // the server is starting, or does not reach its master: try again later
    read_only,   // the server takes no writes: a replica, a failed save, too few replicas
    memory,      // the server has reached `maxmemory`
    moved,       // another node of a cluster has the key
    split,       // the slot moves, and another node has some of the command's keys: try again
    no_script,   // the server does not know the script of that digest
    refused,     // any other error of the server
  };
  Kind kind{};
  std::string what = {};                 // a sentence for operators: no secret, no value of a command
  bool maybe_done = false;               // the command was sent and its effect is unknown
  std::optional<Redirect> redirect = {}; // of `moved`: where to
};
[[nodiscard]] std::string_view to_string(Failure::Kind kind);

// The class of an error of the server, by its first word.
[[nodiscard]] Failure::Kind kind_of_error(std::string_view error);
// An error of the server without what it quotes of the command.
[[nodiscard]] std::string shown_error(std::string_view error);

} // namespace foyer::redis
