// Drives the door between an upgrade that HTTP handed over and a session: answers the door's questions, sends the 101,
// waits for `authenticate` as first message, or sends the refusal. One per connection; deleted once it is decided.
//
//   deciding ──▶ checking_token    the token waits for CPU time, or for newer keys
//      │ ▲  ├──▶ asking_service    the auth service is checking a ticket or a cookie
//      │ │  └──▶ asking_application the credential was accepted; the application decides
//      │ └── an answer ◀┘
//      ├──▶ awaiting_message       upgraded without a credential; the first message carries it
//      ▼
//   decided
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admission/door.h"
#include "asking/asking.h"
#include "base/http.h"
#include "gateway/reply_to.h"
#include "http/upgrade.h"
#include "protocol/command.h"
#include "wire/websocket.h"

namespace foyer::gateway {

class Shard;
class WebSocketLink;

class Handshake {
 public:
  Handshake(WebSocketLink& link, http::Upgrade upgrade);
  ~Handshake();

  void begin();
  void on_bytes(std::string_view bytes); // before the 101
  void on_eof();                         // likewise
  void on_timer();
  // The first message of a socket that waits for `authenticate`.
  void on_first_message(std::string_view text);
  void on_first_binary();
  // Holds input that arrives before the decision: messages (false: too many bytes), a Close, the end of the stream.
  [[nodiscard]] bool hold(wire::Opcode kind, std::string_view payload);
  void hold_close(std::uint16_t code) { held_close_ = code; }
  void hold_end() { input_ended_ = true; }
  [[nodiscard]] bool holds_close() const { return held_close_.has_value(); } // input after a Close is ignored
  void shut_down();

  void answered(Result<Identity> identity); // the auth service's answer for a ticket or a cookie
  void keys_answered(Result<bool> newer);   // the answer about a token whose key was unknown
  void application_answered(Result<asking::ConnectAnswer> said);
  void check_token(); // the loop has CPU time for it now
  [[nodiscard]] bool upgraded() const { return upgraded_; }
  [[nodiscard]] bool decided() const { return phase_ == Phase::decided; } // this may be deleted

 private:
  enum class Phase : std::uint8_t {
    deciding,
    checking_token,
    asking_service,
    asking_application,
    awaiting_message,
    decided
  };

  void drive();
  [[nodiscard]] bool judge_token(); // false: undecided, waits for newer keys
  void check_token_later();
  void ask_application(const Identity& identity); // `identity` is owned by the door
  [[nodiscard]] Result<admission::Consent> consent_of(Result<asking::ConnectAnswer> said);
  [[nodiscard]] asking::KeptPtr kept_for_questions();
  void await_first_message();
  void admit(Admission admission);
  void send_refusal(Refusal refusal);
  void send_refusal_as_message(const Refusal& refusal, std::optional<admission::Permit> permit);
  void answer_over_http(const Refusal& refusal, bool unread_input);
  void report(const Refusal& refusal);
  [[nodiscard]] std::optional<Refusal> readiness();
  [[nodiscard]] std::optional<Refusal> capacity(const Identity& identity);
  [[nodiscard]] std::optional<Refusal> lost_store() const;
  void upgrade(std::string_view subprotocol, bool flush_early);

  WebSocketLink& link_;
  Shard& shard_;
  http::LastAnswers& http_;
  Request request_;
  std::unique_ptr<admission::Door> door_;
  Phase phase_ = Phase::deciding;
  std::optional<Refusal> full_; // a limit was reached: this is the only possible refusal
  std::string early_;           // bytes that follow the request
  std::vector<std::pair<wire::Opcode, std::string>>
      held_; // messages that followed an `authenticate` still being checked
  std::size_t held_bytes_ = 0;
  std::optional<std::uint16_t> held_close_;       // the code of a Close after them
  std::string user_;                              // known once the credential is verified
  admission::Permit handshake_permit_, arriving_; // see http::Arrival
  admission::Permit pending_, user_permit_, address_permit_;
  const Identity* asked_about_ = nullptr; // the identity that the application is asked about; owned by the door
  asking::KeptPtr kept_;                  // for later questions to the application
  std::unique_ptr<admission::Consent> consent_;
  std::vector<RoomName> join_; // rooms that the application joins the client to
  MessageId authenticate_id_;
  protocol::ClientTerms terms_; // the client's, from the query and from `authenticate`
  std::string token_;           // the token to check
  bool newest_keys_ = false;    // the token's key was unknown, and the newest keys have been requested since
  bool upgraded_ = false;
  bool input_ended_; // the client sends nothing more
};

} // namespace foyer::gateway
