#include "accounts/session/tickets.h"

#include "accounts/model/token_forms.h"
#include "base/bytes.h"

namespace foyer::accounts {

Result<bool> Tickets::mint(std::string_view ticket, TicketGrant grant, Millis life, MonoTime now) {
  forget_old(now);
  if (tickets_.size() >= policy_.max_tickets) {
    // The oldest is past its life soon after it was made; one that still lives means overload.
    const auto& [expires, key] = by_expiry_.front();
    if (now < expires)
      return std::unexpected(Refusal{.cause = Cause::BUSY,
          .evidence = "the table of tickets is full of live ones",
          .retry_after = std::chrono::ceil<Millis>(expires - now)});
    tickets_.erase(key);
    by_expiry_.pop_front();
  }
  std::string key = sha256(ticket);
  by_expiry_.emplace_back(now + life, key);
  tickets_.insert_or_assign(std::move(key), Ticket{.grant = std::move(grant), .expires = now + life});
  return true;
}

Result<Identity> Tickets::examine(const Use& use, MonoTime now) {
  forget_old(now);
  const auto found = tickets_.find(sha256(use.ticket));
  if (found == tickets_.end() && looks_like_jwt(use.ticket))
    return refuse_field(Cause::WRONG_TOKEN_TYPE, "ticket", "a JWT instead of a ticket");
  if (found == tickets_.end())
    return refuse(Cause::TICKET_UNKNOWN,
        "no such ticket: it was never issued, was issued more than ten minutes ago, or before a restart");
  const Ticket& ticket = found->second;
  if (ticket.grant.origin && ticket.grant.origin != use.origin)
    return refuse(Cause::TICKET_UNKNOWN,
        "the ticket is bound to origin " + printable(*ticket.grant.origin) + ", the handshake " +
            (use.origin ? "came from " + printable(*use.origin) : std::string{"had none"}));
  if (ticket.grant.address && *ticket.grant.address != use.address)
    return refuse(Cause::TICKET_UNKNOWN, "the ticket is bound to another address than " + printable(use.address));
  if (ticket.state == State::used) {
    if (!use.attempt.empty() && use.attempt == ticket.attempt && now - ticket.used_at <= policy_.repeat_window)
      return ticket.grant.identity;
    return refuse(Cause::TICKET_USED,
        "it was used " + std::to_string(std::chrono::floor<std::chrono::seconds>(now - ticket.used_at).count()) +
            " s ago");
  }
  if (now >= ticket.expires)
    return refuse(Cause::TICKET_EXPIRED,
        "it expired " + std::to_string(std::chrono::floor<std::chrono::seconds>(now - ticket.expires).count()) +
            " s ago");
  return ticket.grant.identity;
}

Result<Identity> Tickets::redeem(const Use& use, MonoTime now) {
  auto answer = examine(use, now);
  if (!answer) return answer;
  Ticket& ticket = tickets_.find(sha256(use.ticket))->second;
  if (ticket.state == State::live) {
    ticket.state = State::used;
    ticket.used_at = now;
    ticket.attempt = use.attempt;
  }
  return answer;
}

void Tickets::forget_old(MonoTime now) {
  while (!by_expiry_.empty() && now - by_expiry_.front().first > policy_.remember) {
    tickets_.erase(by_expiry_.front().second);
    by_expiry_.pop_front();
  }
}

} // namespace foyer::accounts
