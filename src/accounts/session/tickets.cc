#include "accounts/session/tickets.h"

#include <fmt/format.h>

#include "accounts/model/token_forms.h"
#include "auth/contract/messages.h"
#include "base/bytes.h"
#include "base/json.h"

namespace foyer::accounts {
namespace {

constexpr std::string_view kTickets = "ticket";

engine::SharedKey key_of(std::string_view ticket) { return {std::string{kTickets}, sha256(ticket)}; }

std::string text_of(const TicketGrant& grant) {
  json::Object out = auth::encode(Result<Identity>(grant.identity));
  if (grant.origin) out["origin"] = *grant.origin;
  if (grant.address) out["address"] = *grant.address;
  return json::write(out);
}

// Written by another process, perhaps of another version.
std::optional<TicketGrant> grant_in(const std::string& text) {
  const auto value = json::parse(text);
  if (!value || !value->is_object()) return std::nullopt;
  const json::Object& object = value->as_object();
  auto answer = auth::decode_verify_answer(object);
  if (!answer || !answer->identity) return std::nullopt;
  TicketGrant grant{.identity = std::move(*answer->identity)};
  if (const auto origin = json::get_string(object, "origin")) grant.origin = *origin;
  if (const auto address = json::get_string(object, "address")) grant.address = *address;
  return grant;
}

std::int64_t seconds_of(Millis span) { return std::chrono::floor<std::chrono::seconds>(span).count(); }

} // namespace

void Tickets::mint(std::string_view ticket, const TicketGrant& grant, Millis life, Completion<bool> done) {
  engine::PutRequest put{.key = key_of(ticket),
      .value = text_of(grant),
      .life = life,
      .remember = policy_.remember,
      .most = policy_.max_tickets};
  shared_.put_until(std::move(put), [done = std::move(done)](Result<bool> fresh) mutable {
    if (fresh && !*fresh) return done(refuse(Cause::INTERNAL_ERROR, "the same ticket was issued twice"));
    done(std::move(fresh));
  });
}

void Tickets::examine(Use use, Completion<Identity> done) {
  auto key = key_of(use.ticket);
  shared_.find(std::move(key),
      [this, use = std::move(use), done = std::move(done)](
          Result<std::optional<engine::Kept>> found) mutable { done(judge(use, std::move(found))); });
}

void Tickets::redeem(Use use, Check check, Completion<Identity> done) {
  examine(use, [this, use, check = std::move(check), done = std::move(done)](Result<Identity> seen) mutable {
    if (!seen) return done(std::move(seen));
    check(std::move(*seen), [this, use = std::move(use), done = std::move(done)](Result<Identity> good) mutable {
      if (!good) return done(std::move(good));
      use_up(use, std::move(*good), std::move(done));
    });
  });
}

void Tickets::use_up(const Use& use, Identity identity, Completion<Identity> done) {
  engine::TakeRequest take{.key = key_of(use.ticket), .by = use.attempt, .remember = policy_.remember};
  shared_.take_once(std::move(take),
      [this, use, identity = std::move(identity), done = std::move(done)](Result<engine::Taken> taken) mutable {
    if (!taken) return done(std::unexpected(std::move(taken).error()));
    if (!taken->first) // a repetition, or another one was faster
      if (auto refusal = judge_use(use, *taken)) return done(std::unexpected(std::move(*refusal)));
    done(std::move(identity));
  });
}

std::optional<Refusal> Tickets::judge_use(const Use& use, const engine::Taken& taken) const {
  if (!use.attempt.empty() && use.attempt == taken.by && taken.ago <= policy_.repeat_window) return std::nullopt;
  return Refusal{.cause = Cause::TICKET_USED, .evidence = fmt::format("it was used {} s ago", seconds_of(taken.ago))};
}

Result<Identity> Tickets::judge(const Use& use, Result<std::optional<engine::Kept>> found) const {
  if (!found) return std::unexpected(std::move(found).error());
  if (!*found && looks_like_jwt(use.ticket))
    return refuse_field(Cause::WRONG_TOKEN_TYPE, "ticket", "a JWT instead of a ticket");
  auto grant = *found ? grant_in((*found)->value) : std::nullopt;
  if (!grant)
    return refuse(Cause::TICKET_UNKNOWN,
        "no such ticket: it was never issued, was issued more than ten minutes ago, or before a restart");
  if (grant->origin && grant->origin != use.origin)
    return refuse(Cause::TICKET_UNKNOWN,
        "the ticket is bound to origin " + printable(*grant->origin) + ", the handshake " +
            (use.origin ? "came from " + printable(*use.origin) : std::string{"had none"}));
  if (grant->address && *grant->address != use.address)
    return refuse(Cause::TICKET_UNKNOWN, "the ticket is bound to another address than " + printable(use.address));
  if ((*found)->taken) {
    if (auto refusal = judge_use(use, *(*found)->taken)) return std::unexpected(std::move(*refusal));
    return std::move(grant->identity);
  }
  if ((*found)->left <= Millis{0})
    return refuse(Cause::TICKET_EXPIRED, fmt::format("it expired {} s ago", seconds_of(-(*found)->left)));
  return std::move(grant->identity);
}

std::size_t Tickets::size() const { return shared_.remembered(kTickets); }

} // namespace foyer::accounts
