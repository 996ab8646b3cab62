// Carries one session over one transport. The session decides what is sent and why it ends; a link knows how: frames,
// keep-alive, how an end is announced, and how much may wait in its send queue. WebSocketLink is one; another protocol
// over the same loop would be another.
//
//   Shard ── deliver(frame) ──▶ Link ──▶ io::Transport      a publication, framed once for all links of its kind
//   Session ── send(message), end(refusal) ──▶ Link
//   Session ◀── on_text, on_time ── Link
//
// A link may exist before its session and refuse it; from then on the session lives as long as the link.
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
    deciding,       // the door has an open question; input waits
    authenticating, // the first message must be `authenticate`
    given_back,     // refused over HTTP: the transport is no longer ours
    ready,          // there is a session, and it is open
    closing,        // nothing more is sent; the transport stays open until the client has read the Close
  };
  enum class Lane : std::uint8_t {
    common, // within outbox_bytes
    answer, // to a command: with answer_bytes on top, since the client requested it
  };

  Link(Shard& shard, io::Transport& transport, ConnectionId id, admission::Permit place);
  virtual ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The one call of a fan-out, inline except for links that compress. A full queue ends with SLOW_CONSUMER.
  void deliver(const SharedBytes& frame) {
    if (phase_ != Phase::ready) return;
    if (packs_)
      deliver_packed(frame);
    else
      hand_over(frame);
  }
  [[nodiscard]] bool packs() const { return packs_; } // may send compressed messages
  virtual void send(MessageId id, const protocol::SessionMessage& message, Lane lane) = 0;
  // Ends with a cause, which is reported to the operator. `more`: for the client.
  void end(Refusal refusal, std::string_view more = {});
  // An application ends it: with its own code if that is 4000 to 4999, otherwise with DISCONNECTED_BY_APP.
  void disconnect(std::uint16_t code, std::string_view reason);
  // Ends with a cause that was reported as `ref`.
  virtual void close(const Refusal& refusal, const Ref& ref, std::string_view more = {}) = 0;
  virtual void close_as(std::uint16_t code, std::string_view reason) = 0; // 4000 to 4999
  virtual void shut_down() = 0;                                           // the server shuts down
  virtual void reschedule() = 0;                                          // Session::next_deadline() has changed
  // For an answer that the handshake waits for; no effect if it does not wait any more.
  virtual void with_handshake(std::move_only_function<void(Handshake&)> step) = 0;

  Ref report(const Refusal& refusal);
  // Charges input to the client's allowances, with a session or without. False: too much, and the link has ended.
  [[nodiscard]] bool charge(std::size_t bytes);
  [[nodiscard]] bool charge_ping();
  // A refusal: a command of this cost exceeds the allowance; or the link was ended as a flood.
  [[nodiscard]] std::optional<Refusal> beyond_allowance(std::uint64_t cost);
  [[nodiscard]] bool one_bad_message_too_many();

  // For an operator or application.
  struct Facts {
    std::string_view transport; // a constant
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
  // Queued; otherwise the link ends with SLOW_CONSUMER.
  [[nodiscard]] bool fits(std::size_t bytes, Lane lane = Lane::common);
  void report_as(const Ref& ref, Refusal refusal);
  void touched();                       // a byte was sent or received
  [[nodiscard]] MonoTime heard() const; // about when a byte was received; long ago: never

 private:
  // Allocated for few clients.
  struct Faults {
    Meter refusals; // of commands beyond the allowance
    protocol::BadMessageWindow bad;
  };
  [[nodiscard]] Faults& faults();
  void end_flood(std::string_view limit);

  std::unique_ptr<Faults> faults_;
  Meter bytes_, commands_;

 protected:
  admission::Permit place_; // the socket's place among the limits
  std::unique_ptr<Session> session_;
  ConnectionId id_;
  // The members that a delivery reads, together at the end, where those of a derived class follow without a gap.
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
