// Tickets: the input is a program of minting, redeeming and waiting. Whatever its
// order, a ticket is good once, in its time, where it is bound to.
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "accounts/session/tickets.h"
#include "base/bytes.h"
#include "engine/memory/shared_state.h"
#include "fuzz.h"

using namespace foyer;
using namespace foyer::accounts;

namespace {

struct Known {
  MonoTime expires{};
  MonoTime used_at{};
  bool used = false;
  std::string attempt;
  std::optional<std::string> origin;
};

// Everything is answered at once.
template <class T>
Result<T> answer_of(const std::function<void(Completion<T>)>& question) {
  std::optional<Result<T>> answer;
  question([&](Result<T> r) { answer = std::move(r); });
  return std::move(answer).value();
}

} // namespace

FUZZER(tickets) {
  fuzz::Bytes program(input);
  ManualClock clock;
  engine::MemorySharedState shared(clock);
  Tickets tickets(shared, TicketPolicy{.max_tickets = 8});
  std::map<std::string, Known> known;
  for (int step = 0; step < 200 && !program.empty(); ++step) {
    const std::uint8_t what = program.byte();
    const MonoTime now = clock.mono();
    switch (what % 3U) {
      case 0: {
        const std::string ticket = "T!" + std::string(program.text().substr(0, 50)); // no sentence has this beginning
        if (known.contains(ticket)) break;                                           // minted tickets are fresh
        Known made;
        made.expires = now + Millis{1 + program.byte() * 250};
        TicketGrant grant;
        grant.identity.user = UserId{"user-of-" + hex_encode(ticket)};
        if ((what & 128U) != 0) grant.origin = made.origin = "https://chat.example";
        const auto minted = answer_of<bool>([&](Completion<bool> done) {
          tickets.mint(ticket, grant, std::chrono::ceil<Millis>(made.expires - now), std::move(done));
        });
        invariant(minted.has_value() || (minted.error().cause == Cause::BUSY && minted.error().retry_after),
            "a ticket is minted, or it is said when");
        if (minted) known[ticket] = made;
        break;
      }
      case 1: {
        const std::string ticket = "T!" + std::string(program.text().substr(0, 50)); // no sentence has this beginning
        const std::string attempt(1, static_cast<char>('a' + program.byte() % 4U));
        const std::optional<std::string> origin =
            (what & 128U) != 0 ? std::optional<std::string>("https://chat.example") : std::nullopt;
        const Tickets::Use use{.ticket = ticket, .origin = origin, .address = "192.0.2.1", .attempt = attempt};
        const auto foreseen =
            answer_of<Identity>([&](Completion<Identity> done) { tickets.examine(use, std::move(done)); });
        const auto answer =
            answer_of<Identity>([&](Completion<Identity> done) { tickets.redeem(use, std::move(done)); });
        invariant(foreseen.has_value() == answer.has_value() &&
                (answer.has_value() || foreseen.error().cause == answer.error().cause),
            "what is foreseen comes");
        const auto found = known.find(ticket);
        if (!answer) {
          invariant(
              answer.error().evidence.find("T!") == std::string::npos, "a ticket that is refused is not repeated");
          break;
        }
        invariant(found != known.end() && answer->user.str() == "user-of-" + hex_encode(ticket),
            "only what was minted is good, for its own user");
        Known& was = found->second;
        invariant(!was.origin || was.origin == origin, "and where it is bound to");
        if (was.used) {
          invariant(was.attempt == attempt && now - was.used_at <= std::chrono::seconds{60},
              "a ticket is good once; the same attempt gets the same answer");
        } else {
          invariant(now < was.expires, "and in its time");
          was.used = true;
          was.used_at = now;
          was.attempt = attempt;
        }
        break;
      }
      default: clock.advance(Millis{program.byte() * 1'000});
    }
    invariant(tickets.size() <= 8, "the table is bounded");
  }
}
