// Tickets: a credential that may appear in a URL because it is worthless
// seconds later. 256 bit, single use, seconds to live, bound to an origin.
//
//   mint ──▶ live ──redeem──▶ used ──┐
//             └──── time ──▶ expired ┴── remembered ≥ 10 min ──▶ unknown
//
// A redemption carries an `attempt` id; a repetition with the same id within 60 s
// gets the same answer, so that a lost answer does not waste the ticket. Only
// SHA-256 of a ticket is stored, in the state that all auth services share.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/completion.h"
#include "base/ids.h"
#include "base/refusal.h"
#include "engine/shared_state.h"

namespace foyer::accounts {

struct TicketPolicy {
  Millis remember = std::chrono::minutes{10};      // after its end, to distinguish used and expired from unknown
  Millis repeat_window = std::chrono::seconds{60}; // same attempt, same answer
  std::size_t max_tickets = 200'000; // live and remembered; beyond, the oldest ended ones are forgotten, otherwise BUSY
};

struct TicketGrant {
  Identity identity = {};                  // the identity it stands for; never more than its caller
  std::optional<std::string> origin = {};  // required origin of the handshake; nullopt: any, or none
  std::optional<std::string> address = {}; // required address of the handshake; nullopt: any
};

class Tickets {
 public:
  // `shared` outlives this, and determines the thread of answers.
  explicit Tickets(engine::SharedEntries& shared, TicketPolicy policy = {}) : shared_(shared), policy_(policy) {}

  // `ticket` is a new Entropy::token(). BUSY when full of live ones.
  void mint(std::string_view ticket, const TicketGrant& grant, Millis life, Completion<bool> done);

  struct Use {
    std::string ticket = {};
    std::optional<std::string> origin = {};
    std::string address = {};
    std::string attempt = {}; // empty: equal to no other
  };
  // What redeem() would answer, without using it up.
  void examine(Use use, Completion<Identity> done);
  // Asked about a ticket that would be accepted, before it is used up.
  using Check = std::move_only_function<void(Identity, Completion<Identity>)>;
  // TICKET_UNKNOWN (also when bound elsewhere: the ticket is not used up), TICKET_USED, TICKET_EXPIRED, those of
  // `check`.
  void redeem(Use use, Check check, Completion<Identity> done);

  [[nodiscard]] std::size_t size() const;

 private:
  [[nodiscard]] Result<Identity> judge(const Use& use, Result<std::optional<engine::Kept>> found) const;
  void use_up(const Use& use, Identity identity, Completion<Identity> done);
  [[nodiscard]] std::optional<Refusal> judge_use(const Use& use, const engine::Taken& taken) const;

  engine::SharedEntries& shared_;
  TicketPolicy policy_;
};

} // namespace foyer::accounts
