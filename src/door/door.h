// The door: the order of diagnosis as a machine. Evidence goes in; the next
// question or a verdict comes out. No socket, no timer, no thread: the driver
// (gateway) answers the questions and tells the verdict.
//
//   Door door(policy, handshake);
//   for (;;) switch (auto ask = door.next(clock)) {
//     Verdict              → done: Admission or Refusal
//     AskReadiness         → door.readiness(…)      answered at once by the shard
//     AskToken{token}      → door.token(verifier.verify(…))
//     AskTicket, AskCookie → door.identity(…)       later, from the auth service
//     AskRevocation        → door.revocation(…)     local table
//     AskCapacity          → door.capacity(…)       counters
//     AwaitFirstMessage    → upgrade, then door.first_message(…) or door.first_message_timeout()
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/http.h"
#include "base/refusal.h"

namespace foyer::door {

enum class RefuseWith : std::uint8_t { automatic, http, close };

// A socket path and what it takes to use it.
struct SocketPath {
  std::string path;                 // /ws/chat
  std::vector<std::string> subprotocols; // those we speak there: foyer.v1
  bool needs_token = true;          // /ws/echo with echo = open: false
  bool needs_chat_permission = true; // chat:read or chat:write
};

// Built once from the configuration; immutable.
struct DoorPolicy {
  std::vector<SocketPath> sockets;
  std::vector<std::string> allowed_origins; // exact serialised origins
  std::vector<std::string> allowed_hosts;   // lower case, without port; IP literals and localhost always pass
  bool first_message_auth = true;
  bool token_in_url = false;                // ?token= / ?access_token= accepted
  RefuseWith refuse_with = RefuseWith::automatic;
  std::size_t max_token_bytes = 8 * 1024;
  std::string public_ws_base;               // ws://host:port, to name the right URL
};

// What the handshake showed. Views into the Request, which outlives the door's work.
struct Handshake {
  const Request* request = nullptr;
  bool secure = false;
};

struct AskReadiness {};
struct AskToken { std::string token; };
struct AskTicket { std::string ticket; };
struct AskCookie { std::string cookie; };
struct AskRevocation { const Identity* identity; };
struct AskCapacity { const Identity* identity; };
struct AwaitFirstMessage {}; // complete the upgrade; the first message must be `authenticate`
struct Verdict { std::expected<Admission, Refusal> outcome; };

using Next = std::variant<AskReadiness, AskToken, AskTicket, AskCookie, AskRevocation, AskCapacity, AwaitFirstMessage, Verdict>;

class Door {
 public:
  Door(const DoorPolicy& policy, Handshake handshake);

  [[nodiscard]] Next next(MonoTime now); // charges the time since the last call to the step just left
  void readiness(std::optional<Refusal> problem);
  void token(Result<Identity> identity);
  void identity(Result<Identity> identity); // of a ticket or a cookie
  void revocation(std::optional<Refusal> problem);
  void capacity(std::optional<Refusal> problem);
  void first_message_token(std::string token);
  void first_message_ticket(std::string ticket);
  void first_message_other(std::string_view what); // anything else: NO_TOKEN
  void first_message_timeout();

  // How the handshake is to be answered, valid once next() gave a verdict or AwaitFirstMessage.
  [[nodiscard]] const std::string& selected_subprotocol() const; // empty: none is echoed
  [[nodiscard]] const SocketPath* socket() const;                // null: no such path
  // Whether this refusal is told as HTTP, or by completing the upgrade and closing
  // (door.md §3: a browser cannot see a failed handshake; foreign origins and
  // SUBPROTOCOL_MALFORMED always get HTTP; without a valid upgrade it can only be HTTP).
  [[nodiscard]] bool tell_by_close(const Refusal& refusal) const;
  // What to echo when an upgrade is completed only to refuse it; empty: nothing.
  [[nodiscard]] std::string refusal_subprotocol() const;
  [[nodiscard]] const StepTimes& times() const;

 private:
  struct State;
  // … owned by door
};

// A plain GET on a socket path, so that a page which saw only 1006 can learn why.
[[nodiscard]] Response explain_plain_get(const DoorPolicy& policy, const Request& request);
[[nodiscard]] bool origin_allowed(const DoorPolicy& policy, std::string_view origin);
[[nodiscard]] bool host_allowed(const DoorPolicy& policy, const Request& request);

} // namespace foyer::door
