// The gateway's calls to the auth service, in one process or over HTTP: the
// same interface. Calls come from any thread; answers arrive on any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/completion.h"

namespace foyer::auth {

// Raised whenever a message of auth/contract changes its meaning; compared at startup.
//   2: answers to signed requests are signed (signature.h). A gateway of version 2 accepts no others.
inline constexpr int kContractVersion = 2;
// An auth service also serves gateways of this version, so that it can be upgraded first. A gateway
// newer than its auth service reports CONTRACT_MISMATCH.
inline constexpr int kOldestContract = 1;
[[nodiscard]] constexpr bool serves_contract(int contract) {
  return contract >= kOldestContract && contract <= kContractVersion;
}

struct TicketRequest {
  std::string ticket;
  std::optional<std::string> origin; // of the handshake
  std::string address;
  std::string attempt; // random; a repeat with the same id gets the same answer
  Ref ref;
};

struct CookieRequest {
  std::string cookie; // the opaque session credential
  std::string address;
  Ref ref;
};

// A person is looked up by id or by name; the other is empty.
struct PersonRequest {
  std::string id = {};
  std::string name = {};
};
struct Person {
  UserId id;
  std::string name;
};

struct RevocationEvent {
  enum class Kind : std::uint8_t {
    token,   // id = jti
    session, // id = session
    before,  // id = user: all issued before `at`
    user,    // id = user: disabled, enabled, deleted
  } kind{};
  std::string id;
  WallTime at{};
  enum class Reason : std::uint8_t { none, disabled, enabled, deleted } reason = Reason::none;
};

// A refused identity and a failed call are both a Refusal, and never
// the same one: "could not check" has causes of step auth_service.
class AuthService {
 public:
  virtual ~AuthService() = default;
  virtual void redeem_ticket(TicketRequest question, Completion<Identity> answer) = 0;
  virtual void check_cookie(CookieRequest question, Completion<Identity> answer) = 0;
  // No person: the id or name does not exist.
  virtual void find_person(PersonRequest question, Completion<std::optional<Person>> answer) = 0;
  // `on_event` is called with every event since `start`, in order, and later events as they
  // happen. `synchronised` is called (repeatedly) when the table is known to be
  // complete up to now: silence longer than revocation_max_age is a fault.
  virtual void watch_revocations(std::function<void(const std::vector<RevocationEvent>&)> on_events,
      std::function<void(WallTime)> synchronised) = 0;
};

} // namespace foyer::auth
