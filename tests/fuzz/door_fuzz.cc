// A handshake at the door. The first byte chooses the policy, the second the answers,
// the rest is the request. At most one credential is asked about, every end is one
// verdict, and nothing of a credential is in what is told.
#include <string>

#include "admission/door.h"
#include "admission/evidence.h"
#include "admission/testing/door_world.h"
#include "base/bytes.h"
#include "fuzz.h"
#include "wire/http_parser.h"
#include "wire/problem.h"

using namespace foyer;
using namespace foyer::admission;

namespace {

// Stands for a credential's text in the inputs.
constexpr std::string_view kMark = "SECRETMARK";

bool mentions(std::string_view text) { return text.find(kMark) != std::string_view::npos; }

// Whether the mark stands only where credentials may stand.
bool only_in_credentials(const Request& request) {
  if (mentions(request.method) || mentions(request.path)) return false;
  for (const Header& header : request.headers.list()) {
    if (mentions(header.name)) return false;
    if (iequals(header.name, "Authorization") || iequals(header.name, "Cookie") ||
        iequals(header.name, "Sec-WebSocket-Protocol"))
      continue;
    if (mentions(header.value)) return false;
  }
  return std::ranges::none_of(offered_subprotocols(request),
      [](std::string_view offer) { return mentions(offer) && !looks_like_credential(offer); });
}

DoorPolicy policy_of(std::uint8_t how) {
  DoorPolicy out = testing::policy();
  out.token_in_url = (how & 1U) != 0;
  out.first_message_auth = (how & 2U) == 0;
  out.refuse_with = static_cast<RefuseWith>((how >> 2U) % 3U);
  out.reveal = (how & 32U) != 0;
  out.max_token_bytes = 512;
  return out;
}

struct Asked {
  int tokens = 0, tickets = 0, cookies = 0, messages = 0;
  [[nodiscard]] int credentials() const { return tokens + tickets + cookies; }
};

void check(const Refusal& refusal, const Request& request, const Door& door, bool silent, bool reveal) {
  invariant(is_utf8(refusal.evidence), "evidence can be logged");
  invariant(!silent || !mentions(refusal.evidence), "evidence holds nothing of a credential");
  const Response told = wire::problem(refusal, request.ref, reveal);
  invariant(told.status >= 400 && told.status <= 599, "a refusal is told with an HTTP status");
  invariant(!silent || !mentions(told.body), "what is told holds nothing of a credential");
  if (door.refuse_by_close(refusal))
    invariant(refusal.info().close >= 1000, "what is told by a close frame has a code for it");
}

void check_admitted(const Request& request, const Door& door, const Asked& asked, bool silent) {
  invariant(door.socket() != nullptr, "who is admitted asked for a socket");
  invariant(!door.socket()->needs_token || asked.credentials() == 1, "who is admitted showed one credential");
  invariant(!mentions(door.selected_subprotocol()) || !silent, "no credential is echoed");
  const auto offers = offered_subprotocols(request);
  invariant(
      door.selected_subprotocol().empty() || std::ranges::find(offers, door.selected_subprotocol()) != offers.end(),
      "only what was offered is selected");
  invariant(asked.cookies == 0 || request.headers.count("Origin") == 1, "a cookie comes with an Origin");
}

// The lowest bits of `answers` say which kinds of credential are refused, the highest one takes away the permissions.
Result<Identity> identity(std::uint8_t answers, unsigned bit) {
  if ((answers >> bit & 1U) != 0) return refuse(Cause::SIGNATURE_INVALID, "as the verifier says");
  Identity alice = testing::alice();
  if ((answers & 128U) != 0) alice.permissions = {};
  return alice;
}

// Checks a question and answers it as the bits of `answers` say.
void answer(const Next& next, const DoorPolicy& policy, std::uint8_t answers, Door& door, Asked& asked) {
  const auto refused = [answers](unsigned bit, Cause cause, std::string_view evidence) {
    return (answers >> bit & 1U) != 0 ? std::optional(Refusal{.cause = cause, .evidence = std::string{evidence}})
                                      : std::nullopt;
  };
  if (std::holds_alternative<AskReadiness>(next)) {
    door.readiness(refused(6, Cause::NOT_READY, "not yet"));
  } else if (const auto* token = std::get_if<AskToken>(&next)) {
    ++asked.tokens;
    invariant(!token->token.empty() && token->token.size() <= policy.max_token_bytes, "a token is within its limit");
    door.token(identity(answers, 0));
  } else if (const auto* ticket = std::get_if<AskTicket>(&next)) {
    ++asked.tickets;
    invariant(!ticket->ticket.empty() && ticket->ticket.size() <= 512, "a ticket is short");
    door.identity(identity(answers, 1));
  } else if (const auto* cookie = std::get_if<AskCookie>(&next)) {
    ++asked.cookies;
    invariant(!cookie->cookie.empty() && cookie->cookie.size() <= 512, "a cookie is short");
    door.identity(identity(answers, 2));
  } else if (std::holds_alternative<AskRevocation>(next)) {
    door.revocation(refused(3, Cause::TOKEN_REVOKED, "revoked"));
  } else if (std::holds_alternative<AskApplication>(next)) {
    invariant(asked.credentials() == 1, "the application is asked about who showed a credential");
    invariant(door.socket()->asks_application, "and only where the policy says so");
    if (const auto refusal = refused(5, Cause::APP_REFUSED, "it said no"))
      door.application(std::unexpected(*refusal), {});
    else
      door.application(Consent{}, {});
  } else if (std::holds_alternative<AskCapacity>(next)) {
    door.capacity(refused(4, Cause::ADDRESS_LIMIT, "too many"));
  } else {
    invariant(++asked.messages == 1, "a first message is awaited once");
    invariant(policy.first_message_auth && door.socket()->first_message, "and only where it is understood");
    if ((answers & 32U) != 0)
      door.first_message_timeout();
    else
      door.first_message("d.e.f", {});
  }
}

} // namespace

FUZZER(door) {
  fuzz::Bytes bytes(input);
  const std::uint8_t how = bytes.byte();
  const std::uint8_t answers = bytes.byte();
  const wire::HttpLimits limits;
  wire::HttpParser parser(limits);
  parser.feed(bytes.rest());
  if (parser.state() != wire::HttpParser::State::complete) return;
  const Request request = parser.request();
  const DoorPolicy policy = policy_of(how);
  const bool silent = only_in_credentials(request);

  const Response explained = explain_plain_get(policy, request);
  invariant(!silent || !mentions(explained.body), "an explanation holds nothing of a credential");
  if (is_plain_get(policy, request)) invariant(is_socket_path(policy, request), "a plain GET is the door's");

  Door door(policy, {.request = &request, .secure = (how & 64U) != 0});
  const testing::TickingClock clock;
  Asked asked;
  for (int turn = 0; turn < 20; ++turn) {
    const Next next = door.next(clock);
    if (const auto* verdict = std::get_if<Verdict>(&next)) {
      invariant(std::holds_alternative<Verdict>(door.next(clock)), "a verdict stays");
      invariant(asked.credentials() <= 1, "at most one credential is asked about");
      if (!verdict->outcome) return check(verdict->outcome.error(), request, door, silent, policy.reveal);
      return check_admitted(request, door, asked, silent);
    }
    answer(next, policy, answers, door, asked);
  }
  invariant(false, "the door comes to an end");
}
