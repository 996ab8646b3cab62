// The door: the order of diagnosis as a state machine. It takes answers and returns the next
// question or a verdict. No socket, no timer, no thread: the driver
// (gateway) answers the questions and sends the verdict.
//
//   Door door(policy, handshake);
//   for (;;) switch (auto ask = door.next(clock)) {
//     Verdict              → done: Admission or Refusal
//     AskReadiness         → door.readiness(…)      answered at once by the shard
//     AskToken{token}      → door.token(verifier.verify(…))
//     AskTicket, AskCookie → door.identity(…)       later, from the auth service
//     AskRevocation        → door.revocation(…)     local table
//     AskApplication       → door.application(…)    later, from the application; only where the socket says so
//     AskCapacity          → door.capacity(…)       counters
//     AwaitFirstMessage    → upgrade, then door.first_message(…) or door.first_message_timeout()
//   }
//
// Each question is answered once, by its own function. Without an
// answer, next() repeats the question; after the verdict it repeats the verdict.
// The Request is used until the first question after AskReadiness (AskToken,
// AskTicket, AskCookie, AwaitFirstMessage, AskCapacity or a Verdict) and may be
// gone afterwards; the policy must outlive the door.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admission/policy.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/refusal.h"

namespace foyer::admission {

// What is known of the handshake.
struct Handshake {
  const Request* request = nullptr;
  bool secure = false; // the client used https: decides the cookie's name
};

struct AskReadiness {};
struct AskToken {
  std::string token;
};
struct AskTicket {
  std::string ticket;
  std::optional<std::string> origin; // of the handshake, for TicketRequest
};
struct AskCookie {
  std::string cookie;
};
struct AskRevocation {
  const Identity* identity;
};
// Only about a client whose credential was accepted: the application decides beside it and never instead of it.
struct AskApplication {
  const Identity* identity;
};
struct AskCapacity {
  const Identity* identity;
}; // for a socket that needs no token: an Identity without a user
struct AwaitFirstMessage {}; // complete the upgrade; the first message must be `authenticate`
struct Verdict {
  std::expected<Admission, Refusal> outcome;
};

using Next = std::variant<AskReadiness, AskToken, AskTicket, AskCookie, AskRevocation, AskApplication, AskCapacity,
    AwaitFirstMessage, Verdict>;

// What the application says of a client that it lets in. What is absent stays as the credential says; nothing can
// change the user.
struct Consent {
  std::optional<std::string> name = {};        // shown to others
  std::optional<Permissions> permissions = {}; // to read and to write
  std::vector<std::string> rooms = {};         // beside those that the token names
  std::optional<WallTime> expires_at = {};     // of the connection; zero: never
  void apply(Identity& identity) const;
};

class Door {
 public:
  Door(const DoorPolicy& policy, Handshake handshake);

  // One clock read per step; the time between a question and the call of next()
  // after its answer is charged to the step that the question (or its refusal) belongs to.
  [[nodiscard]] Next next(const Clock& clock);

  void readiness(std::optional<Refusal> problem);
  void token(Result<Identity> identity);
  void identity(Result<Identity> identity); // of a ticket or a cookie
  void revocation(std::optional<Refusal> problem);
  // A consent that has ended by `now`, or that permits neither to read nor to write, is APP_REFUSED.
  void application(const Result<Consent>& answer, WallTime now);
  void capacity(std::optional<Refusal> problem);

  // The credential in `authenticate`; neither (or empty) is NO_TOKEN, both AMBIGUOUS_CREDENTIALS.
  void first_message(std::optional<std::string> token, std::optional<std::string> ticket);
  void first_message_other(
      std::string_view what); // anything else: NO_TOKEN; `what`: what was wrong, a clause for the operator
  void first_message_timeout();
  // In place of the upgrade after AwaitFirstMessage (PENDING_LIMIT): sent like any refusal of a handshake.
  void cannot_await(Refusal refusal);

  // How to answer the handshake; valid once next() gave a verdict or AwaitFirstMessage.
  [[nodiscard]] const std::string& selected_subprotocol() const { return selected_; } // empty: none is echoed
  [[nodiscard]] const SocketPath* socket() const { return socket_; }                  // null: no such path
  // Whether this refusal is sent as HTTP, or by completing the upgrade and closing.
  // A page's code cannot see a failed handshake: not in a browser, which sends Origin, and
  // not in Node or Deno. Foreign origins and
  // SUBPROTOCOL_MALFORMED always get HTTP; without a valid upgrade it can only be HTTP.
  // After AwaitFirstMessage only the close frame is possible.
  [[nodiscard]] bool refuse_by_close(const Refusal& refusal) const;
  // The subprotocol to echo when an upgrade is completed only to refuse it; empty: none.
  [[nodiscard]] const std::string& refusal_subprotocol() const { return refusal_echo_; }
  [[nodiscard]] const StepTimes& times() const { return times_; }

 private:
  // The current step of the examination; a state named after a question waits for its answer.
  enum class At : std::uint8_t {
    readiness,
    transport,
    subprotocol,
    credential_present,
    credential_form,
    token,
    ticket,
    cookie,
    first_message,
    revocation,
    permission,
    application,
    capacity,
    admitted,
    refused,
  };
  enum class Form : std::uint8_t { none, token, ticket, cookie };

  void look_at_offers(const Request& request);
  [[nodiscard]] Next verdict();
  [[nodiscard]] std::optional<Refusal> check_transport() const;
  [[nodiscard]] std::optional<Refusal> check_subprotocol();
  [[nodiscard]] std::optional<Refusal> find_credential();
  [[nodiscard]] std::optional<Refusal> check_form() const;
  [[nodiscard]] std::optional<Refusal> check_permission() const;
  // A step that needs no question: charges its time, then refuses or goes to the next state.
  void decided(Step step, std::optional<Refusal> problem, At then, const Clock& clock);
  void refuse_as(Refusal refusal);
  void charge(Step step, MonoTime now);
  void examined(Step step); // a step that passed and is charged no time

  const DoorPolicy* policy_;
  const Request* request_;
  const SocketPath* socket_ = nullptr;
  At at_ = At::readiness;
  Form form_ = Form::none;
  Step asked_ = Step::readiness; // the step that the time since last_ belongs to
  bool secure_;
  bool has_origin_ = false;
  bool like_browser_ = false;     // an Origin, or a client like Node and Deno, whose code cannot see an HTTP answer
  bool origin_ok_ = true;         // absent or allowed
  bool upgrade_ok_ = false;       // a 101 could be sent
  bool only_credentials_ = false; // subprotocols were offered, and none that can be echoed
  bool upgraded_ = false;         // AwaitFirstMessage was given
  bool clock_started_ = false;
  bool decided_ = false; // the verdict was given; no more time is charged
  MonoTime last_{};
  std::string selected_;
  std::string refusal_echo_;
  std::string credential_;
  std::optional<std::string> origin_;
  std::optional<Refusal> malformed_; // the refusal of credential_form, found during credential_present
  std::optional<Refusal> refusal_;
  Identity identity_;
  StepTimes times_;
};

// The door's requests: those to a socket's path, and WebSocket handshakes to
// paths without a route (UNKNOWN_PATH). A path with a route is HTTP whatever
// the headers say: a server may ignore Upgrade (RFC 9110 §7.8), and a proxy that checks
// a handshake with a subrequest repeats its headers.
[[nodiscard]] bool is_socket_path(const DoorPolicy& policy, const Request& request);
[[nodiscard]] bool asks_for_socket(const Request& request);
// A GET on a socket path without any WebSocket header: answered by explain_plain_get.
[[nodiscard]] bool is_plain_get(const DoorPolicy& policy, const Request& request);

// The answer to a plain GET on a socket path, from which a page that saw only 1006 learns the reason.
// It contains Access-Control-Allow-Origin, and for a foreign origin X-Foyer
// (without the version): existing headers must not be replaced.
[[nodiscard]] Response explain_plain_get(const DoorPolicy& policy, const Request& request);
[[nodiscard]] bool origin_allowed(const DoorPolicy& policy, std::string_view origin);
[[nodiscard]] bool host_allowed(const DoorPolicy& policy, const Request& request);

} // namespace foyer::admission
