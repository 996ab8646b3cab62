// A client's WebSocket, from the upgrade that HTTP handed over to its close.
//
//   deciding …… the door has a question open; frames wait
//      ├── authenticating …… upgraded; the first message must be `authenticate`
//      ├── given_back …… refused over HTTP: the transport is no longer ours
//      ▼
//    ready …… commands, heartbeats, the token's end
//      ▼
//   closing …… a Close frame was sent; nothing is said any more, and TCP stays open
//              until the client's Close came, or close_linger is over
//
// Up to `ready` the work is done by a Handshake, which is gone afterwards: an idle
// connection owns its identity, its subscriptions and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/refusal.h"
#include "gateway/command_order.h"
#include "gateway/compression.h"
#include "gateway/reply_to.h"
#include "gateway/socket_end.h"
#include "http/upgrade.h"
#include "io/transport.h"
#include "protocol/budget.h"
#include "protocol/client_codec.h"
#include "rooms/actor.h"
#include "wire/websocket.h"

namespace foyer::gateway {

class Handshake;
class Shard;
struct LocalRoom;

class Connection final : public io::TransportHandler,
                         public io::Timer,
                         private wire::WsSink,
                         private protocol::CommandSink {
 public:
  enum class Phase : std::uint8_t { deciding, authenticating, given_back, ready, closing };
  enum class Service : std::uint8_t { chat, echo };

  Connection(Shard& shard, io::Transport& transport, ConnectionId id, http::Upgrade upgrade);
  ~Connection() override;

  // TransportHandler
  void on_bytes(std::span<char> bytes) override;
  void on_eof() override;
  void on_drained() override;
  void on_closed() override;
  void on_timer() override;

  void begin(); // once, when the transport calls this; may delete it

  // From the handshake.
  void answer_over_http(http::LastAnswers& http, http::LastAnswer answer); // gives the transport back
  void set_phase(Phase phase) { phase_ = phase; }
  void upgraded(); // the 101 is on its way
  struct Entered {
    Identity identity;
    Service service = Service::chat;
    std::string address;
    admission::Permit user_pass;
    admission::Permit address_pass;
    protocol::ClientTerms terms; // as far as the handshake or `authenticate` told
    MessageId id;                // of the `authenticate` that is answered
  };
  void enter(Entered entered);
  void feed_frames(std::span<char> bytes);
  void take_message(wire::Opcode kind, std::span<char> payload); // kPadding readable bytes follow
  void take_close(std::uint16_t code);
  void take_end(); // of the client's bytes
  // The client's Sec-WebSocket-Extensions; returns what the 101 says to them, or nothing.
  [[nodiscard]] std::string agree_on_extensions(std::string_view offers, std::string_view user_agent);
  void hold(admission::Permit refusal_pass) { user_pass_ = std::move(refusal_pass); } // until the socket is closed
  void identity_answered(Result<Identity> identity);
  void keys_answered(Result<bool> newer);
  void check_token(); // of the handshake, now that there is time

  // From the shard.
  [[nodiscard]] bool packs() const { return send_.bits != 0; } // may send compressed messages
  void deliver(const SharedBytes& frame);                      // closes with SLOW_CONSUMER when the outbox is full
  void reply(MessageId id, const protocol::SessionMessage& message); // likewise, with room for what was asked for
  void send_refusal(MessageId id, Refusal refusal);
  // The answer to a command: sends it in its turn. `command`: see ReplyTo.
  template <class Send>
  void answered(std::uint64_t command, Send send) {
    if (phase_ != Phase::ready) return;
    order_.answer(command, std::move(send));
    go_on();
  }
  // Close with a cause: reason `CODE ref`, reported to the operator.
  void end(Refusal refusal, std::string_view more = {});
  void close(std::uint16_t code, std::string_view reason);
  // Close with the code of the cause, and "CODE ref more" as the reason.
  void close_for(const Refusal& refusal, const Ref& ref, std::string_view more = {});
  void close_for_shutdown();
  void send_closing(Millis retry_after); // a shutdown is near
  void shut_down();                      // and now
  void check_revocation();

  void introduce(); // to those who look people up
  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] bool chats() const { return phase_ == Phase::ready && service_ == Service::chat; }
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  [[nodiscard]] const std::string& close_reason() const { return close_reason_; }
  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const protocol::ClientTerms& terms() const { return terms_; }
  [[nodiscard]] const protocol::ClientCodec& codec() const { return codec_; }
  [[nodiscard]] io::Transport& transport() const { return transport_; }
  [[nodiscard]] Shard& shard() { return shard_; }

  // The shard's book-keeping.
  struct Membership {
    LocalRoom* room = nullptr;
    std::uint32_t index = 0; // in room->subscriptions
  };
  std::vector<Membership> memberships;
  Connection* next_of_user = nullptr;
  Connection* previous_of_user = nullptr;

 private:
  bool on_message(wire::Opcode kind, std::string_view payload) override;
  bool on_ping(std::string_view payload) override;
  bool on_pong(std::string_view payload) override;
  bool on_close(std::uint16_t code, std::string_view reason) override;
  void on_command(const protocol::Command& command, std::string_view text) override;
  void on_bad_command(const protocol::BadCommand& bad, std::string_view text) override;

  // A Close of ours that waits for the client's.
  struct Closing {
    Millis linger;
    std::size_t left = 0;          // bytes that the client had not taken when the timer was set
    std::size_t received = 0;      // since the Close was sent
    std::optional<Ref> going_away; // a Close of a proxy that was reloaded, if the end of the stream follows
  };
  void close(std::uint16_t code, std::string_view reason, Millis linger);
  void await_close(std::span<char> bytes);
  void give_up_waiting();
  void shut();
  void end_of_frames(const wire::WsError& error);
  void judge_going_away(bool stream_ended);
  void report_as(const Ref& ref, Refusal refusal);
  [[nodiscard]] EndWay end_way() const;
  void touched(); // a byte went in some direction
  void schedule();
  // A command, or what is to be said of it: now, or when its turn comes.
  void take_command(std::string_view text, protocol::CommandType type, const protocol::Command* command, MessageId id,
      std::optional<Refusal> refusal);
  void go_on(); // with commands that waited
  void begin(const protocol::Command& command);
  void run(const protocol::Command& command);
  void refuse_command(MessageId id, Refusal refusal); // the one that runs
  void join(const protocol::Command& command);
  void history(const protocol::Command& command);
  void list(const protocol::Command& command);
  void leave(const protocol::Command& command);
  void chat(const protocol::Command& command);
  void refresh(const protocol::Command& command);
  void check_refresh_later(const MessageId& id, std::string token, bool with_newest_keys);
  void check_refresh(const MessageId& id, std::string_view token, bool with_newest_keys);
  void refreshed(const MessageId& id, Result<Identity> verified);
  void leave_all();
  [[nodiscard]] rooms::Actor actor() const;
  [[nodiscard]] ReplyTo reply_to(MessageId id) const; // the command that runs
  [[nodiscard]] rooms::AnswerLimit answer_limit() const;
  void about_room(const protocol::Command& command);
  void about_person(const protocol::Command& command);
  void say(MessageId id, const protocol::SessionMessage& message); // without more room than others have
  void send_message(wire::Opcode kind, std::string_view payload, bool is_answer);
  void hand_over(const SharedBytes& frame);
  Ref report(const Refusal& refusal);
  void settle(); // at the end of each call from outside; may delete this
  // A refusal: it is beyond its allowance; or this was ended as a flood.
  [[nodiscard]] std::optional<Refusal> beyond_allowance(const protocol::Command& command);
  [[nodiscard]] bool charge(std::size_t bytes);
  void end_flood(std::string_view limit);
  [[nodiscard]] bool fits(
      std::size_t bytes, bool is_answer = false); // in the outbox; else this ends with SLOW_CONSUMER

  Shard& shard_;
  io::Transport& transport_;
  ConnectionId id_;
  Phase phase_ = Phase::deciding;
  Service service_ = Service::chat;
  bool pinged_ = false;       // a ping is out and nothing was heard since
  bool beat_is_wait_ = false; // beat_due_ is the end of the wait for an answer
  bool expiry_told_ = false;
  bool refreshing_ = false;              // a token waits for its check
  std::unique_ptr<Handshake> handshake_; // null once it is decided
  SendTerms send_;
  wire::WsDecoder frames_;
  Identity identity_;
  protocol::ClientCodec& codec_;
  protocol::ClientTerms terms_;
  std::shared_ptr<rooms::UserUse> use_; // of this user, shared with its other connections; chat only
  std::string address_;                 // the client's, after TRUSTED_PROXIES
  std::size_t answers_ = 0;             // bytes of answers queued since the queue was empty last
  Meter bytes_, commands_, refusals_;   // refusals_: of commands beyond the allowance
  protocol::BadMessageWindow bad_;
  CommandOrder order_;
  std::uint64_t running_ = 0; // the command that runs, as order_ knows it
  bool going_on_ = false;
  MonoTime beat_due_{};              // next ping, or the end of waiting for its answer
  MonoTime opened_{};                // the handshake was answered; zero: there is no WebSocket
  MonoTime last_byte_{};             // in either direction
  std::unique_ptr<Closing> closing_; // null: no Close of ours waits
  bool heard_ = false;               // something followed the handshake
  std::uint16_t close_code_ = 0;     // of the first Close, whoever sent it; 0: there was none
  std::string close_reason_;         // of ours
  bool we_closed_ = false;           // our Close was the first
  bool they_closed_ = false;         // a Close of the client came
  bool ended_ = false;               // the end of the stream came without a Close
  admission::Permit connection_pass_, user_pass_, address_pass_;
};

} // namespace foyer::gateway
