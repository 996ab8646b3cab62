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

std::string ticket_of(fuzz::Bytes& program) { // no message begins like this
  return "T!" + std::string(program.text().substr(0, 50));
}

class Model {
 public:
  void mint(fuzz::Bytes& program, bool with_origin) {
    const std::string ticket = ticket_of(program);
    if (known_.contains(ticket)) return; // minted tickets are fresh
    Known made;
    made.expires = clock_.mono() + Millis{1 + program.byte() * 250};
    TicketGrant grant;
    grant.identity.user = UserId{"user-of-" + hex_encode(ticket)};
    if (with_origin) grant.origin = made.origin = "https://chat.example";
    const auto minted = answer_of<bool>([&](Completion<bool> done) {
      tickets_.mint(ticket, grant, std::chrono::ceil<Millis>(made.expires - clock_.mono()), std::move(done));
    });
    invariant(minted.has_value() || (minted.error().cause == Cause::BUSY && minted.error().retry_after),
        "a ticket is minted, or the refusal says when to retry");
    if (minted) known_[ticket] = made;
  }

  void redeem(fuzz::Bytes& program, bool with_origin) {
    const std::string ticket = ticket_of(program);
    const std::string attempt(1, static_cast<char>('a' + program.byte() % 4U));
    const auto origin = with_origin ? std::optional<std::string>("https://chat.example") : std::nullopt;
    const Tickets::Use use{.ticket = ticket, .origin = origin, .address = "192.0.2.1", .attempt = attempt};
    const auto foreseen =
        answer_of<Identity>([&](Completion<Identity> done) { tickets_.examine(use, std::move(done)); });
    const auto no_check = [](Identity who, Completion<Identity> done) { done(std::move(who)); };
    const auto answer =
        answer_of<Identity>([&](Completion<Identity> done) { tickets_.redeem(use, no_check, std::move(done)); });
    invariant(foreseen.has_value() == answer.has_value() &&
            (answer.has_value() || foreseen.error().cause == answer.error().cause),
        "an examined ticket is answered as a redeemed one");
    if (!answer)
      return invariant(answer.error().evidence.find("T!") == std::string::npos, "a refusal does not repeat the ticket");
    const auto found = known_.find(ticket);
    invariant(found != known_.end() && answer->user.str() == "user-of-" + hex_encode(ticket),
        "only a minted ticket is accepted, for its own user");
    accepted(found->second, origin, attempt);
  }

  void pass(fuzz::Bytes& program) { clock_.advance(Millis{program.byte() * 1'000}); }
  [[nodiscard]] std::size_t size() const { return tickets_.size(); }

 private:
  void accepted(Known& was, const std::optional<std::string>& origin, const std::string& attempt) {
    const MonoTime now = clock_.mono();
    invariant(!was.origin || was.origin == origin, "a bound ticket is accepted from its origin alone");
    if (was.used)
      return invariant(was.attempt == attempt && now - was.used_at <= std::chrono::seconds{60},
          "a ticket is accepted once; the same attempt gets the same answer");
    invariant(now < was.expires, "a ticket is accepted before it expires");
    was.used = true;
    was.used_at = now;
    was.attempt = attempt;
  }

  ManualClock clock_;
  engine::MemorySharedState shared_{clock_};
  Tickets tickets_{shared_, TicketPolicy{.max_tickets = 8}};
  std::map<std::string, Known> known_;
};

} // namespace

FUZZER(tickets) {
  fuzz::Bytes program(input);
  Model model;
  for (int step = 0; step < 200 && !program.empty(); ++step) {
    const std::uint8_t what = program.byte();
    const bool with_origin = (what & 128U) != 0;
    switch (what % 3U) {
      case 0: model.mint(program, with_origin); break;
      case 1: model.redeem(program, with_origin); break;
      default: model.pass(program);
    }
    invariant(model.size() <= 8, "the table is bounded");
  }
}
