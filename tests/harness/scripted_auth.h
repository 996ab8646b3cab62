// An auth service that does as it is told: it knows tickets and sessions that the
// test gave it, tells what the test revokes, and can be away or silent. It stands
// in for another process, so it lies behind the same contract.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "auth/contract/auth_service.h"
#include "base/clock.h"

namespace foyer::harness {

class ScriptedAuth final : public auth::AuthService {
 public:
  enum class Mood : std::uint8_t {
    well,
    away,   // every question: AUTH_SERVICE_CONNECTION_ERROR
    silent, // questions wait until it is well again
  };

  explicit ScriptedAuth(const Clock& clock) : clock_(clock) {}

  // A ticket is good once; one with an origin only from there.
  void issue_ticket(std::string ticket, Identity identity, std::string origin = {}) {
    tickets_[std::move(ticket)] = {std::move(identity), std::move(origin)};
  }
  void issue_cookie(std::string cookie, Identity identity) { cookies_[std::move(cookie)] = std::move(identity); }
  void revoke(auth::RevocationEvent event);
  void set_mood(Mood mood);
  // The table of revocations is known to be whole, now.
  void synchronise();

  void redeem_ticket(auth::TicketRequest question, Completion<Identity> answer) override;
  void check_cookie(auth::CookieRequest question, Completion<Identity> answer) override;
  // Everybody has an account but those whose id begins with "nobody"; the name is the id with a capital letter.
  void find_person(auth::PersonRequest question, Completion<std::optional<auth::Person>> answer) override;
  void watch_revocations(std::function<void(const std::vector<auth::RevocationEvent>&)> on_events,
      std::function<void(WallTime)> synchronised) override;

 private:
  struct Ticket {
    Identity identity;
    std::string origin;
    bool used = false;
    std::string attempt = {}; // that used it; asked again it gets the same answer
  };
  [[nodiscard]] Result<Identity> redeem(const auth::TicketRequest& question);
  [[nodiscard]] Result<Identity> look_up(const auth::CookieRequest& question) const;
  void ask(std::move_only_function<Result<Identity>()> question, Completion<Identity> answer);

  const Clock& clock_;
  Mood mood_ = Mood::well;
  std::map<std::string, Ticket> tickets_;
  std::map<std::string, Identity> cookies_;
  std::vector<auth::RevocationEvent> events_;
  std::function<void(const std::vector<auth::RevocationEvent>&)> on_events_;
  std::function<void(WallTime)> synchronised_;
  std::vector<std::pair<std::move_only_function<Result<Identity>()>, Completion<Identity>>> waiting_;
  std::vector<std::pair<auth::PersonRequest, Completion<std::optional<auth::Person>>>> waiting_people_;
};

} // namespace foyer::harness
