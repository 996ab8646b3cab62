// Tickets: a credential that may appear in a URL because it is worthless a
// moment later. 256 bit, one use, seconds to live, bound to an origin.
//
//   mint ──▶ live ──redeem──▶ used ──┐
//             └──── time ──▶ expired ┴── remembered ≥ 10 min ──▶ unknown
//
// A redemption carries an `attempt` id; asking again with the same id within 60 s
// gets the same answer, so that a lost answer does not burn the ticket. Only
// SHA-256 of a ticket is kept. Pure; takes `now`; bounded; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::accounts {

struct TicketPolicy {
  Millis remember = std::chrono::minutes{10};      // after its end, to distinguish used and expired from unknown
  Millis repeat_window = std::chrono::seconds{60}; // same attempt, same answer
  std::size_t max_tickets = 200'000; // live and remembered; beyond, the oldest are forgotten if ended, else BUSY
};

struct TicketGrant {
  Identity identity = {};                  // whom it speaks for; never more than its caller
  std::optional<std::string> origin = {};  // must be that of the handshake; nullopt: any, and none
  std::optional<std::string> address = {}; // must be that of the handshake; nullopt: any
};

class Tickets {
 public:
  explicit Tickets(TicketPolicy policy = {}) : policy_(policy) {}

  // `ticket` is a fresh Entropy::token(). BUSY when full of live ones.
  [[nodiscard]] Result<bool> mint(std::string_view ticket, TicketGrant grant, Millis life, MonoTime now);

  struct Use {
    std::string_view ticket = {};
    std::optional<std::string> origin = {};
    std::string_view address = {};
    std::string_view attempt = {}; // empty: never the same as another
  };
  // What redeem() would answer; nothing is used up. For what must be asked of a database first.
  [[nodiscard]] Result<Identity> examine(const Use& use, MonoTime now);
  // TICKET_UNKNOWN (also when bound elsewhere: the ticket is not used up), TICKET_USED, TICKET_EXPIRED.
  [[nodiscard]] Result<Identity> redeem(const Use& use, MonoTime now);

  [[nodiscard]] std::size_t size() const { return tickets_.size(); }

 private:
  enum class State : std::uint8_t { live, used };
  struct Ticket {
    TicketGrant grant = {};
    State state = State::live;
    MonoTime expires{};
    MonoTime used_at{};
    std::string attempt = {};
  };
  void forget_old(MonoTime now);

  TicketPolicy policy_;
  std::unordered_map<std::string, Ticket, TransparentStringHash, std::equal_to<>> tickets_; // by SHA-256
  std::deque<std::pair<MonoTime, std::string>> by_expiry_;                                  // as minted; nearly ordered
};

} // namespace foyer::accounts
