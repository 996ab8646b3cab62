// The phase between an upgrade that HTTP handed over and a session: the door's questions, the 101, an
// `authenticate` as first message, and sending a refusal. One per connection, gone once it is decided.
//
//   deciding ──▶ checking_token    the token waits for its turn, or for newer keys
//      │ ▲  ├──▶ asking_service    a ticket or a cookie is with the auth service
//      │ │  └──▶ asking_application whether it lets in a client whose credential was accepted
//      │ └── an answer ◀┘
//      ├──▶ awaiting_message       upgraded without a credential: it arrives in the first message
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
  // Input before the decision waits for it: messages (false: too many), a Close, the end of the stream.
  [[nodiscard]] bool hold(wire::Opcode kind, std::string_view payload);
  void hold_close(std::uint16_t code) { parted_ = code; }
  void hold_end() { input_ended_ = true; }
  [[nodiscard]] bool parted() const { return parted_.has_value(); } // nothing after a Close is read
  void shut_down();

  void answered(Result<Identity> identity); // for a ticket or a cookie, later
  void keys_answered(Result<bool> newer);   // for a token whose key was unknown, later
  void application_answered(Result<asking::ConnectAnswer> said);
  void check_token(); // the loop has time for it now
  [[nodiscard]] bool upgraded() const { return upgraded_; }
  [[nodiscard]] bool decided() const { return phase_ == Phase::decided; } // may be deleted

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
  [[nodiscard]] bool judge_token(); // false: waits for newer keys
  void check_token_later();
  void ask_application(const Identity& identity); // which the door owns
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
  std::optional<Refusal> full_;                            // the limit that was reached: then the only refusal
  std::string early_;                                      // bytes that follow the request
  std::vector<std::pair<wire::Opcode, std::string>> held_; // messages behind an `authenticate` that is being checked
  std::size_t held_bytes_ = 0;
  std::optional<std::uint16_t> parted_;           // the code of a Close after them
  std::string user_;                              // once established
  admission::Permit handshake_permit_, arriving_; // see http::Arrival
  admission::Permit pending_, user_pass_, address_pass_;
  const Identity* asked_about_ = nullptr; // by the application; the door's
  asking::KeptPtr kept_;                  // for later questions to it
  std::unique_ptr<admission::Consent> consent_;
  std::vector<RoomName> join_; // that it wants the client to be in
  MessageId authenticate_id_;
  protocol::ClientTerms terms_; // of the client, from the query and from `authenticate`
  std::string token_;           // waiting to be checked
  bool newest_keys_ = false;    // the token's key was unknown, and the newest keys have been requested since
  bool upgraded_ = false;
  bool input_ended_; // the client sends nothing more
};

} // namespace foyer::gateway
