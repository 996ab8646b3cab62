#include "gateway/websocket_link.h"

#include "gateway/handshake.h"
#include "gateway/shard.h"

namespace foyer::gateway {

WebSocketLink::WebSocketLink(Shard& shard, io::Transport& transport, ConnectionId id, http::Upgrade upgrade)
    : Link(shard, transport, id, std::move(upgrade.permits.socket)),
      frames_(wire::WsRole::server, shard.policy().message_bytes) {
  handshake_ = std::make_unique<Handshake>(*this, std::move(upgrade));
}

WebSocketLink::~WebSocketLink() = default;

// The handshake may be decided within a call of its own, so it is deleted only here.
void WebSocketLink::settle() {
  if (handshake_ && handshake_->decided()) handshake_.reset();
  if (phase_ == Phase::given_back) shard_.closed(*this); // deletes this
}

void WebSocketLink::begin() {
  handshake_->begin();
  settle();
}

void WebSocketLink::answer_over_http(http::LastAnswers& http, http::LastAnswer answer) {
  phase_ = Phase::given_back;
  shard_.loop().disarm(*this);
  answer.socket = std::move(place_);
  http.answer_last(transport_, std::move(answer));
}

void WebSocketLink::with_handshake(std::move_only_function<void(Handshake&)> step) {
  if (phase_ == Phase::closing) return; // the answer is no longer needed
  if (handshake_) step(*handshake_);
  settle();
}

void WebSocketLink::shut_down() {
  if (phase_ == Phase::closing) return;
  if (phase_ == Phase::ready) return close_for_shutdown();
  if (handshake_) handshake_->shut_down();
  settle();
}

// From the transport

void WebSocketLink::on_bytes(std::span<char> bytes) {
  if (phase_ == Phase::closing) return await_close(bytes);
  if (handshake_ && !handshake_->upgraded())
    handshake_->on_bytes({bytes.data(), bytes.size()});
  else
    feed_frames(bytes);
  settle();
}

void WebSocketLink::on_eof() {
  if (handshake_ && !handshake_->upgraded())
    handshake_->on_eof();
  else
    take_end();
}

void WebSocketLink::on_closed() {
  shard_.loop().disarm(*this);
  judge_going_away(transport_.was_reset()); // a reset: the proxy was gone when our Close arrived
  if (opened_ != MonoTime{}) {
    const auto now = shard_.loop().now();
    shard_.ended({.way = end_way(),
                     .age = std::chrono::duration_cast<Millis>(now - opened_),
                     .idle = std::chrono::duration_cast<Millis>(now - last_byte_)},
        *this,
        {.code = ending_ ? ending_->code : std::uint16_t{0},
            .reason = ending_ ? std::string_view{ending_->reason} : std::string_view{}});
  }
  shard_.closed(*this); // deletes this
}

// The handshake

void WebSocketLink::upgraded() { opened_ = last_byte_ = shard_.loop().now(); }

std::string WebSocketLink::agree_on_extensions(std::string_view offers, std::string_view user_agent) {
  std::string agreed = shard_.compression().agree(offers, user_agent, send_, frames_);
  packs_ = send_.bits != 0;
  return agreed;
}

void WebSocketLink::enter(Session::Entered entered, protocol::ClientTerms terms, MessageId answered) {
  terms_ = terms;
  session_ = std::make_unique<Session>(*this, std::move(entered));
  phase_ = Phase::ready;
  beat_due_ = shard_.loop().now() + shard_.policy().heartbeat_interval;
  shard_.admitted(*session_);
  reschedule();
  session_->begin(answered);
}

// Frames

void WebSocketLink::feed_frames(std::span<char> bytes) {
  if (phase_ == Phase::closing) return await_close(bytes);
  if (phase_ == Phase::deciding && handshake_->holds_close()) return;
  if (beat_ == Beat::answer) beat_ = Beat::answered;
  heard_ = true;
  touched();
  if (!charge(bytes.size())) return await_close(bytes);
  Frames sink(*this);
  const wire::WsError error = frames_.feed(bytes, sink);
  if (error.close != 0 && phase_ != Phase::closing) end_of_frames(error);
}

bool WebSocketLink::on_message(wire::Opcode kind, std::string_view payload) {
  if (phase_ == Phase::closing) return true; // ignored until the client's Close
  shard_.metrics().received.add();
  if (phase_ == Phase::authenticating) {
    if (kind == wire::Opcode::binary)
      handshake_->on_first_binary();
    else
      handshake_->on_first_message(payload);
    return true;
  }
  if (phase_ == Phase::deciding) {
    if (!handshake_->hold(kind, payload))
      end({.cause = Cause::MESSAGE_TOO_BIG, .evidence = "too much input while the credential was being checked"});
    return true;
  }
  if (frames_.unpacks() && !charge(payload.size())) return true; // charged by length after decompression
  if (session_->service() == Session::Service::echo)
    send_message(kind, payload, Lane::answer);
  else if (kind == wire::Opcode::binary)
    end({.cause = Cause::UNSUPPORTED_DATA, .evidence = "a binary message"});
  else
    session_->on_text(payload);
  return true;
}

void WebSocketLink::take_message(wire::Opcode kind, std::span<char> payload) {
  if (phase_ == Phase::ready) on_message(kind, {payload.data(), payload.size()});
}

void WebSocketLink::on_ping(std::string_view payload) {
  if (phase_ == Phase::closing || !charge_ping()) return;
  std::string frame;
  wire::append_frame(frame, wire::Opcode::pong, payload);
  if (fits(frame.size())) transport_.send_copy(frame);
}

void WebSocketLink::send(MessageId id, const protocol::SessionMessage& message, Lane lane) {
  if (phase_ != Phase::ready) return;                                  // nothing is sent after a Close
  if (lane == Lane::answer && !packs_ && protocol::is_long(message)) { // framed in place and queued without a copy
    std::string frame(wire::kFrameRoom, '\0');
    codec_.write(frame, id, message, terms_);
    wire::frame_in_place(frame, wire::Opcode::text);
    touched();
    if (fits(frame.size(), lane)) transport_.send(share(std::move(frame)));
    return;
  }
  std::string& out = shard_.scratch();
  out.clear();
  codec_.write(out, id, message, terms_);
  send_message(wire::Opcode::text, out, lane);
}

void WebSocketLink::send_message(wire::Opcode kind, std::string_view payload, Lane lane) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  if (packs_)
    shard_.compression().append_message(frame, kind, payload, send_);
  else
    wire::append_frame(frame, kind, payload);
  touched();
  if (fits(frame.size(), lane)) transport_.send_copy(frame);
}

void WebSocketLink::deliver_packed(const SharedBytes& frame) { hand_over(shard_.compression().pack(frame, send_)); }

// Time

void WebSocketLink::reschedule() {
  auto wait = std::chrono::ceil<Millis>(beat_due_ - shard_.loop().now());
  if (const auto next = session_->next_deadline()) wait = std::min(wait, *next);
  shard_.loop().arm(*this, std::max(Millis{0}, wait));
}

void WebSocketLink::on_timer() {
  if (waits_for_close()) return give_up_waiting();
  if (handshake_) {
    handshake_->on_timer();
    return settle();
  }
  if (phase_ != Phase::ready) return;
  const auto now = shard_.loop().now();
  session_->on_time();
  if (phase_ == Phase::ready && now >= beat_due_) beat(now);
  if (phase_ == Phase::ready) reschedule();
}

// Sends a ping to a silent client, and ends the link if the last one was not answered.
void WebSocketLink::beat(MonoTime now) {
  switch (beat_) {
    case Beat::answer:
      return end({.cause = Cause::HEARTBEAT_TIMEOUT, .evidence = "no answer to a ping", .retry_after = Millis{0}});
    case Beat::answered:
      beat_ = Beat::ping;
      beat_due_ += shard_.policy().heartbeat_interval - shard_.policy().heartbeat_timeout;
      return;
    case Beat::ping:
      beat_ = Beat::answer;
      transport_.send_copy(std::string_view("\x89\x00", 2));
      touched();
      beat_due_ = now + shard_.policy().heartbeat_timeout;
  }
}

} // namespace foyer::gateway
