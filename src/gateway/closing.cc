// How a WebSocket closes: with a cause, with the client's Close, or behind a proxy that goes.
#include "gateway/connection.h"
#include "gateway/shard.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kMostWhileClosing = 16 * 1024 * 1024; // from a client that keeps sending after our Close

} // namespace

void Connection::close_for(const Refusal& refusal, const Ref& ref, std::string_view more) {
  std::string reason(refusal.code());
  reason += ' ';
  reason += ref.view();
  if (!more.empty()) reason += ' ', reason += more;
  const std::uint16_t code = refusal.info().close == 0 ? info(Cause::INTERNAL_ERROR).close : refusal.info().close;
  // A slow client needs time to read the Close: as much as a silent client gets.
  if (refusal.cause == Cause::SLOW_CONSUMER)
    close(code, reason, shard_.policy().heartbeat_interval + shard_.policy().heartbeat_timeout);
  else
    close(code, reason);
}

void Connection::close_for_shutdown() { close(info(Cause::SERVER_SHUTDOWN).close, code_of(Cause::SERVER_SHUTDOWN)); }

void Connection::close(std::uint16_t code, std::string_view reason) {
  close(code, reason, shard_.policy().close_linger);
}

void Connection::close(std::uint16_t code, std::string_view reason, Millis linger) {
  we_closed_ = !they_closed_;
  close_code_ = code;
  close_reason_ = reason;
  phase_ = Phase::closing;
  std::string frame;
  wire::append_frame(frame, wire::Opcode::close, wire::close_payload(code, reason));
  transport_.send_copy(frame);
  // The end of TCP right behind the Close would hide it: Firefox and fronts that carry
  // sockets over HTTP/2 give the page a bare 1006 then.
  closing_ = std::make_unique<Closing>(
      Closing{.linger = linger, .left = transport_.queued(), .received = 0, .going_away = {}});
  shard_.loop().arm(*this, linger);
}

// The client's Close did not come in time. A client that still takes bytes, however slowly, gets more time.
void Connection::give_up_waiting() {
  const std::size_t left = transport_.queued();
  if (left > 0 && left >= closing_->left) return transport_.abort();
  if (left > 0) {
    closing_->left = left;
    return shard_.loop().arm(*this, closing_->linger);
  }
  judge_going_away(false);
  shut();
}

// An unmasked Close 1001 comes from a proxy if the stream ends after it; otherwise it is a fault of the client.
void Connection::judge_going_away(bool stream_ended) {
  if (!closing_ || !closing_->going_away) return;
  const Ref ref = *std::exchange(closing_->going_away, std::nullopt);
  if (stream_ended)
    report_as(ref,
        {.cause = Cause::PROXY_RELOADED,
            .evidence = "a Close 1001 without a mask and a reason, and the end of the stream behind it",
            .retry_after = Millis{1'000}});
  else
    report_as(ref,
        {.cause = Cause::PROTOCOL_ERROR,
            .evidence = "a Close 1001 that is not masked, and the stream went on behind it"});
}

// Both have sent Close, or one does not.
void Connection::shut() {
  closing_.reset();
  shard_.loop().disarm(*this);
  transport_.close_gracefully(shard_.policy().close_linger);
}

// Nothing behind it can be read, so the client's Close will not be seen either.
void Connection::end_of_frames(const wire::WsError& error) {
  if (!error.unmasked_going_away) return end({.cause = error.cause, .evidence = std::string(error.what)});
  // Whose it is shows when the stream ends behind it, or does not.
  const Ref ref{shard_.deps().entropy.short_id()};
  close(error.close, std::string(code_of(error.cause)) + ' ' + ref.str());
  closing_->going_away = ref;
}

// After our Close: everything is read, so that the client's Close is found, and nothing is done.
void Connection::await_close(std::span<char> bytes) {
  if (!closing_) return;
  heard_ = true;
  if ((closing_->received += bytes.size()) > kMostWhileClosing) return transport_.abort();
  static_cast<void>(frames_.feed(bytes, *this));
}

EndWay Connection::end_way() const {
  if (we_closed_) return they_closed_ ? EndWay::server_close : EndWay::close_unanswered;
  if (they_closed_) return EndWay::client_close;
  if (!ended_ && !transport_.was_reset()) return EndWay::aborted;
  if (!heard_) return EndWay::unused;
  return transport_.was_reset() ? EndWay::reset : EndWay::fin;
}

} // namespace foyer::gateway
