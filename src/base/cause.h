// The closed catalogue of the reasons for which Foyer refuses something.
//
// A cause has a code (`TOKEN_EXPIRED`), the step at which it is found, what the
// client sees (HTTP status, close code, whether and how to retry), who must act,
// and three texts: one for the client, one for the operator, one next step. The
// rows are in catalogue.def and nowhere else; `foyer explain`, /causes/CODE,
// docs/causes.md, problem+json and close reasons are generated from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace foyer {

// The place of a cause in the order of diagnosis.
enum class Step : std::uint8_t {
  configuration,      // is the configuration valid? decided before the process listens
  readiness,          // started, not draining, not full, this address not flooding?
  transport,          // path, method, upgrade headers, version, origin
  subprotocol,        // is a supported protocol offered?
  credential_present, // exactly one credential?
  credential_form,    // well formed?
  auth_service,       // reachable in time, breaker closed?
  service_identity,   // did the auth service accept us?
  credential_valid,   // algorithm, key, signature, times, issuer, audience, type
  revocation,         // token, session or ticket ended?
  user,               // exists, active?
  permission,         // may this user use this endpoint?
  application,        // does the application that is asked agree?
  capacity,           // per-user and per-address limits
  session,            // after admission: the end of a connection
  chat,               // a command of the chat protocol
  http,               // a request other than the WebSocket handshake
  accounts,           // users, passwords, sessions
  store,              // databases
};
inline constexpr std::size_t kStepCount = 19;

// What a client may do about a refusal.
enum class Retry : std::uint8_t {
  never,   // a person must act first
  refresh, // get a new credential first; the same code again after one refresh is `never`
  after,   // wait retry_after_ms, with jitter
};

// Who must act.
enum class Who : std::uint8_t {
  operator_, // runs this server
  user,      // the person whose credential it is
  client,    // the developer of the client program
  nobody,    // no action needed; this is temporary
};

enum class Cause : std::uint16_t {
#define FOYER_CAUSE(code, ...) code,
#include "base/catalogue.def"
#undef FOYER_CAUSE
};

struct CauseInfo {
  Cause cause;
  std::string_view code; // UPPER_SNAKE, never changes
  Step step;
  std::uint16_t http = 0;  // 0: never sent over HTTP
  std::uint16_t close = 0; // WebSocket close code; 0: never closes a socket
  Retry retry;
  Who who;
  std::string_view client;        // one sentence, safe to show to anyone
  std::string_view operator_text; // one or two sentences for the operator
  std::string_view next;          // one next step, imperative
};

[[nodiscard]] std::span<const CauseInfo> all_causes();
[[nodiscard]] const CauseInfo& info(Cause cause);
[[nodiscard]] std::optional<Cause> find_cause(std::string_view code);

[[nodiscard]] std::string_view to_string(Step step); // "credential_present" → as on the wire
[[nodiscard]] std::string_view to_string(Retry retry);
[[nodiscard]] std::string_view to_string(Who who); // "operator", "user", "client", "nobody"
[[nodiscard]] inline std::string_view code_of(Cause cause) { return info(cause).code; }

} // namespace foyer
