// A client's WebSocket, from the upgrade that HTTP handed over to its close.
//
//   deciding …… the door waits for an answer; frames are held
//      ├── authenticating …… upgraded; the first message must be `authenticate`
//      ├── given_back …… refused over HTTP: the transport belongs to HTTP again
//      ▼
//    ready …… messages go to the session; pings when nothing was received
//      ▼
//   closing …… a Close frame was sent and nothing follows it; TCP stays open until
//              the client's Close arrives, or close_linger is over
//
// Until `ready` a Handshake does the work; it is deleted afterwards. The timer serves the handshake first, then the
// heartbeat and the session, then the Close.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/http.h"
#include "gateway/compression.h"
#include "gateway/link.h"
#include "gateway/session.h"
#include "gateway/socket_end.h"
#include "http/upgrade.h"
#include "wire/websocket.h"

namespace foyer::gateway {

class WebSocketLink final : public io::TransportHandler, public io::Timer, public Link {
 public:
  WebSocketLink(Shard& shard, io::Transport& transport, ConnectionId id, http::Upgrade upgrade);
  ~WebSocketLink() override;

  void begin(); // once, when the transport's handler is set; may delete this

  // TransportHandler, Timer
  void on_bytes(std::span<char> bytes) override;
  void on_eof() override;
  void on_drained() override;
  void on_closed() override;
  void on_timer() override;

  // Link
  void send(MessageId id, const protocol::SessionMessage& message, Lane lane) override;
  void close(const Refusal& refusal, const Ref& ref, std::string_view more) override; // reason `CODE ref more`
  void close_as(std::uint16_t code, std::string_view reason) override { send_close(code, reason); }
  [[nodiscard]] Facts facts() const override {
    return {.transport = "websocket", .opened = opened_, .heard = std::max(opened_, heard())};
  }
  void shut_down() override;
  void reschedule() override;
  void with_handshake(std::move_only_function<void(Handshake&)> step) override;

  // From the handshake.
  void answer_over_http(http::LastAnswers& http, http::LastAnswer answer); // gives the transport back to HTTP
  void set_phase(Phase phase) { phase_ = phase; }
  void upgraded(); // the 101 has been sent
  // The client is admitted. `answered`: the id of its `authenticate`, if it sent one.
  void enter(Session::Entered entered, protocol::ClientTerms terms, MessageId answered);
  void feed_frames(std::span<char> bytes);
  void take_message(wire::Opcode kind, std::span<char> payload); // kPadding readable bytes follow
  void take_close(std::uint16_t code);
  void take_end(); // the client sends nothing more
  // `offers`: the client's Sec-WebSocket-Extensions. Returns the value for the 101; empty: none.
  [[nodiscard]] std::string agree_on_extensions(std::string_view offers, std::string_view user_agent);
  void hold(admission::Permit refusal_permit); // keeps the permit until the socket is closed
  void close_for_shutdown();

 private:
  void deliver_packed(const SharedBytes& frame) override;

  // Receives the decoder's output.
  class Frames final : public wire::WsSink {
   public:
    explicit Frames(WebSocketLink& link) : link_(link) {}
    bool on_message(wire::Opcode kind, std::string_view payload) override { return link_.on_message(kind, payload); }
    bool on_ping(std::string_view payload) override { return link_.on_ping(payload), true; }
    bool on_pong(std::string_view) override { return true; }
    bool on_close(std::uint16_t code, std::string_view) override { return link_.on_close(code); }

   private:
    WebSocketLink& link_;
  };
  bool on_message(wire::Opcode kind, std::string_view payload);
  void on_ping(std::string_view payload);
  bool on_close(std::uint16_t code);
  void send_message(wire::Opcode kind, std::string_view payload, Lane lane);

  // State from the first Close, or from the end of the stream, on.
  struct Ending {
    bool waiting = false;      // we sent a Close and wait for the client's
    bool we_closed = false;    // our Close was the first
    bool they_closed = false;  // the client sent a Close
    bool stream_ended = false; // without a Close
    std::uint16_t code = 0;    // of the first Close, from either side; 0: none
    std::string reason;        // of our Close
    Millis linger{};           // how long to wait for the client's Close
    std::size_t left = 0;      // unsent bytes when the timer was set
    std::size_t received = 0;  // since the Close was sent
    std::optional<Ref> going_away =
        {};                    // an unmasked Close 1001: by a reloading proxy, if the end of the stream follows
    admission::Permit refusal; // for a socket that was upgraded only to be refused
  };
  [[nodiscard]] Ending& ending();
  [[nodiscard]] bool waits_for_close() const { return ending_ && ending_->waiting; }
  void send_close(std::uint16_t code, std::string_view reason);
  void send_close(std::uint16_t code, std::string_view reason, Millis linger);
  void await_close(std::span<char> bytes);
  void give_up_waiting();
  void shut();
  void end_of_frames(const wire::WsError& error);
  void judge_going_away(bool stream_ended);
  [[nodiscard]] EndWay end_way() const;
  void beat(MonoTime now);
  void settle(); // at the end of each call from outside; may delete this

  // The meaning of beat_due_.
  enum class Beat : std::uint8_t {
    ping,     // when the next one is sent
    answer,   // when the last one must be answered
    answered, // the last one was answered: the next ping is due an interval after it
  };
  Beat beat_ = Beat::ping;
  bool heard_ = false; // bytes followed the handshake
  SendTerms send_;
  wire::WsDecoder frames_;
  std::unique_ptr<Handshake> handshake_; // null once decided
  std::unique_ptr<Ending> ending_;
  MonoTime beat_due_{};
  MonoTime opened_{}; // when the 101 was sent; zero: not upgraded
};

} // namespace foyer::gateway
