// How a WebSocket closes (RFC 6455 §7): with a cause, by the client's Close, or by a reloading proxy.
#include "gateway/handshake.h"
#include "gateway/shard.h"
#include "gateway/websocket_link.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kMostWhileClosing = 16 * 1024 * 1024; // bytes from a client that keeps sending after our Close

} // namespace

WebSocketLink::Ending& WebSocketLink::ending() {
  if (!ending_) ending_ = std::make_unique<Ending>();
  return *ending_;
}

void WebSocketLink::hold(admission::Permit refusal_permit) { ending().refusal = std::move(refusal_permit); }

void WebSocketLink::close(const Refusal& refusal, const Ref& ref, std::string_view more) {
  std::string reason(refusal.code());
  reason += ' ';
  reason += ref.view();
  if (!more.empty()) reason += ' ', reason += more;
  const std::uint16_t code = refusal.info().close == 0 ? info(Cause::INTERNAL_ERROR).close : refusal.info().close;
  // A slow client needs time to read the Close: as long as the heartbeat allows a silent client.
  if (refusal.cause == Cause::SLOW_CONSUMER)
    send_close(code, reason, shard_.policy().heartbeat_interval + shard_.policy().heartbeat_timeout);
  else
    send_close(code, reason);
}

void WebSocketLink::close_for_shutdown() {
  send_close(info(Cause::SERVER_SHUTDOWN).close, code_of(Cause::SERVER_SHUTDOWN));
}

void WebSocketLink::send_close(std::uint16_t code, std::string_view reason) {
  send_close(code, reason, shard_.policy().close_linger);
}

void WebSocketLink::send_close(std::uint16_t code, std::string_view reason, Millis linger) {
  Ending& end = ending();
  end.we_closed = !end.they_closed;
  end.code = code;
  end.reason = reason;
  phase_ = Phase::closing;
  std::string frame;
  wire::append_frame(frame, wire::Opcode::close, wire::close_payload(code, reason));
  transport_.send_copy(frame);
  // If TCP ended right after the Close, Firefox and proxies that carry sockets over HTTP/2 would show the page a bare
  // 1006.
  end.waiting = true;
  end.linger = linger;
  end.left = transport_.queued();
  shard_.loop().arm(*this, linger);
}

bool WebSocketLink::on_close(std::uint16_t code) {
  if (phase_ == Phase::deciding) {
    handshake_->hold_close(code);
    return false;
  }
  ending().they_closed = true;
  if (phase_ == Phase::closing) { // the answer to our Close: the server ends TCP (RFC 6455 §7.1.1)
    if (ending_->waiting) shut();
    return false;
  }
  // The code is echoed (RFC 6455 §5.5.1); 1005 means that there was none.
  send_close(code, {});
  shut();
  return false;
}

void WebSocketLink::take_close(std::uint16_t code) {
  if (phase_ == Phase::ready || waits_for_close()) on_close(code);
}

void WebSocketLink::take_end() {
  if (phase_ == Phase::closing) {
    if (!waits_for_close()) return;
    judge_going_away(true);
    return shut();
  }
  if (phase_ == Phase::deciding) return handshake_->hold_end();
  // Answers to earlier messages, perhaps of the same turn, are still sent.
  ending().stream_ended = true;
  phase_ = Phase::closing;
  shard_.loop().disarm(*this);
  transport_.close_gracefully(shard_.policy().close_linger);
}

void WebSocketLink::on_drained() {
  if (waits_for_close()) shard_.loop().arm(*this, ending_->linger); // the time counts from when the Close was sent
}

// The client's Close did not come in time. A client that still receives bytes, however slowly, gets more time.
void WebSocketLink::give_up_waiting() {
  const std::size_t left = transport_.queued();
  if (left > 0 && left >= ending_->left) return transport_.abort();
  if (left > 0) {
    ending_->left = left;
    return shard_.loop().arm(*this, ending_->linger);
  }
  judge_going_away(false);
  shut();
}

// An unmasked Close 1001 comes from a reloading proxy if the stream ends after it; otherwise it is a protocol error of
// the client (RFC 6455 §5.1).
void WebSocketLink::judge_going_away(bool stream_ended) {
  if (!waits_for_close() || !ending_->going_away) return;
  const Ref ref = *std::exchange(ending_->going_away, std::nullopt);
  if (stream_ended)
    report_as(ref,
        {.cause = Cause::PROXY_RELOADED,
            .evidence = "an unmasked Close 1001 without a reason, followed by the end of the stream",
            .retry_after = Millis{1'000}});
  else
    report_as(
        ref, {.cause = Cause::PROTOCOL_ERROR, .evidence = "an unmasked Close 1001, after which the stream continued"});
}

// Both sides have sent Close, or the client's is not awaited any more.
void WebSocketLink::shut() {
  ending_->waiting = false;
  shard_.loop().disarm(*this);
  transport_.close_gracefully(shard_.policy().close_linger);
}

// After a framing error no further frames can be read, so the client's Close is not awaited.
void WebSocketLink::end_of_frames(const wire::WsError& error) {
  if (!error.unmasked_going_away) return end({.cause = error.cause, .evidence = std::string(error.what)});
  // Whether the stream ends now shows who sent it: judge_going_away().
  const Ref ref{shard_.deps().entropy.short_id()};
  send_close(error.close, std::string(code_of(error.cause)) + ' ' + ref.str());
  ending_->going_away = ref;
}

// After our Close: input is read to find the client's Close, and ignored otherwise.
void WebSocketLink::await_close(std::span<char> bytes) {
  if (!waits_for_close()) return;
  heard_ = true;
  if ((ending_->received += bytes.size()) > kMostWhileClosing) return transport_.abort();
  Frames sink(*this);
  static_cast<void>(frames_.feed(bytes, sink));
}

EndWay WebSocketLink::end_way() const {
  const bool they_closed = ending_ && ending_->they_closed;
  if (ending_ && ending_->we_closed) return they_closed ? EndWay::server_close : EndWay::close_unanswered;
  if (they_closed) return EndWay::client_close;
  if (!(ending_ && ending_->stream_ended) && !transport_.was_reset()) return EndWay::aborted;
  if (!heard_) return EndWay::unused;
  return transport_.was_reset() ? EndWay::reset : EndWay::fin;
}

} // namespace foyer::gateway
