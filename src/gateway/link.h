// Carries one session over one transport. The session decides what is sent and why it ends; the link knows how:
// framing, keep-alive, how an end is announced, and how much may wait in the send queue. WebSocketLink is the one
// implementation.
//
//   Shard ── deliver(frame) ──▶ Link ──▶ io::Transport      a publication, framed once for all links of its kind
//   Session ── send(message), end(refusal) ──▶ Link
//   Session ◀── on_text, on_time ── Link
//
// A link exists before its session and may refuse it. Once there is a session, it lives as long as the link.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "admission/permit.h"
#include "base/allowance.h"
#include "base/bytes.h"
#include "base/refusal.h"
#include "gateway/reply_to.h"
#include "io/transport.h"
#include "protocol/budget.h"
#include "protocol/client_codec.h"

namespace foyer::gateway {

class Handshake;
class Session;
class Shard;

class Link {
 public:
  enum class Phase : std::uint8_t {
    deciding,       // the door waits for an answer; input is held
    authenticating, // the first message must be `authenticate`
    given_back,     // refused over HTTP: the transport belongs to HTTP again
    ready,          // there is a session, and it is open
    closing,        // nothing more is sent; the transport stays open until the client has answered the Close
  };
  enum class Lane : std::uint8_t {
    common, // within outbox_bytes
    answer, // to a command: with answer_bytes on top, since the client requested it
  };

  Link(Shard& shard, io::Transport& transport, ConnectionId id, admission::Permit place);
  virtual ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The only call of a fan-out per receiver; inline, except for links that compress. A full send queue ends the link
  // with SLOW_CONSUMER.
  void deliver(const SharedBytes& frame) {
    if (phase_ != Phase::ready) return;
    if (packs_)
      deliver_packed(frame);
    else
      hand_over(frame);
  }
  [[nodiscard]] bool packs() const { return packs_; } // may send compressed messages
  virtual void send(MessageId id, const protocol::SessionMessage& message, Lane lane) = 0;
  // Reports the refusal and closes the link with it. `more`: appended to the close reason, for the client.
  void end(Refusal refusal, std::string_view more = {});
  // For an application: closes with `code` if that is 4000 to 4999, otherwise with DISCONNECTED_BY_APP.
  void disconnect(std::uint16_t code, std::string_view reason);
  // Closes with a refusal that was already reported as `ref`.
  virtual void close(const Refusal& refusal, const Ref& ref, std::string_view more = {}) = 0;
  virtual void close_as(std::uint16_t code, std::string_view reason) = 0; // `code`: 4000 to 4999
  virtual void shut_down() = 0;                                           // the server shuts down
  virtual void reschedule() = 0;                                          // Session::next_deadline() has changed
  // Passes an answer to the handshake; no effect if the handshake has ended or waits for something else.
  virtual void with_handshake(std::move_only_function<void(Handshake&)> step) = 0;

  Ref report(const Refusal& refusal);
  // Charge input to the client's allowances, before and after admission. False: too much; the link has been ended.
  [[nodiscard]] bool charge(std::size_t bytes);
  [[nodiscard]] bool charge_ping();
  // Charges a command. A refusal: it exceeds the allowance, or the client keeps sending after refusals and the link has
  // been ended.
  [[nodiscard]] std::optional<Refusal> beyond_allowance(std::uint64_t cost);
  [[nodiscard]] bool one_bad_message_too_many();

  // Shown to operators and applications.
  struct Facts {
    std::string_view transport; // a string literal
    MonoTime opened{}, heard{}; // when the last byte was received
  };
  [[nodiscard]] virtual Facts facts() const = 0;

  [[nodiscard]] bool open() const { return phase_ == Phase::ready; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] Session* session() const { return session_.get(); } // null: not admitted
  [[nodiscard]] const protocol::ClientTerms& terms() const { return terms_; }
  [[nodiscard]] const protocol::ClientCodec& codec() const { return codec_; }
  [[nodiscard]] io::Transport& transport() const { return transport_; }
  [[nodiscard]] Shard& shard() const { return shard_; }

 protected:
  virtual void deliver_packed(const SharedBytes& frame) = 0;
  void hand_over(const SharedBytes& frame);
  // Whether so many more bytes may be queued. False: the link has been ended with SLOW_CONSUMER.
  [[nodiscard]] bool fits(std::size_t bytes, Lane lane = Lane::common);
  void report_as(const Ref& ref, Refusal refusal);
  void touched();                       // a byte was sent or received
  [[nodiscard]] MonoTime heard() const; // approximately when the last byte was received; if none was, a time long ago

 private:
  // Allocated when a client first exceeds an allowance or sends a bad message.
  struct Faults {
    Meter refusals; // of commands beyond the allowance
    protocol::BadMessageWindow bad;
  };
  [[nodiscard]] Faults& faults();
  void end_flood(std::string_view limit);

  std::unique_ptr<Faults> faults_;
  Meter bytes_, commands_;

 protected:
  admission::Permit place_; // http::Arrival::socket, until the socket is closed
  std::unique_ptr<Session> session_;
  ConnectionId id_;
  // The members that a delivery reads lie together, at the end: those of a derived class follow without a gap.
  Shard& shard_;
  io::Transport& transport_;
  protocol::ClientCodec& codec_;
  protocol::ClientTerms terms_;
  MonoTime last_byte_{}; // in either direction

 private:
  std::uint32_t answers_ = 0; // bytes of answers queued since the queue was last empty

 protected:
  Phase phase_ = Phase::deciding;
  bool packs_ = false;
};

} // namespace foyer::gateway
