#include "io/tls/tls_transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "io/event_loop.h"
#include "wire/proxy_protocol.h"
#include "wire/websocket.h"

namespace foyer::io {
namespace {

constexpr std::size_t kMostDiscarded = 16 * 1024 * 1024; // from a peer that keeps sending after the end
constexpr std::size_t kMostWaiting = 64 * 1024;          // from a peer that sends more before its handshake is answered
constexpr Millis kAlertLinger{1'000};                    // for a peer to read the reason
constexpr std::size_t kPlain = EventLoop::kReadShare + TlsScratch::kRecord; // with the rest of an earlier record
// Ciphertext that waits although the handler did not send it: answers to
// key updates of a peer that does not read. No honest peer comes near.
constexpr std::size_t kUnreadLimit = 2 * TlsScratch::kFlight + 64 * 1024;

// The BIO over a loop's scratch: missing bytes come with the next read.

TlsScratch& scratch_of(BIO* bio) { return *static_cast<TlsScratch*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* to, int size) {
  auto& in = scratch_of(bio).in;
  BIO_clear_retry_flags(bio);
  if (in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(in.size(), static_cast<std::size_t>(size));
  std::memcpy(to, in.data(), count);
  in = in.subspan(count);
  return static_cast<int>(count);
}

int bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  scratch_of(bio).out.append(from, static_cast<std::size_t>(size));
  return size;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loop");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

struct Failure {
  TlsResult result;
  std::string evidence; // OpenSSL's words and names of alerts; no text from the peer
};

Failure why(const SSL* session) {
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  const char* text = ERR_reason_error_string(error);
  std::string words = text == nullptr ? "no reason given" : text;
  if (reason > SSL_AD_REASON_OFFSET) // the peer's alert (RFC 8446 §6.2)
    return {TlsResult::refused_by_client,
        std::string("the client sent the alert \"") + SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET) + "\""};
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER: return {TlsResult::no_common_version, "no TLS version in common: " + words};
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      return {TlsResult::no_common_suite, "no key exchange in common: " + words};
    case SSL_R_NO_APPLICATION_PROTOCOL: return {TlsResult::no_common_protocol, "the client's ALPN offers no http/1.1"};
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return {TlsResult::client_certificate, "the client sent no certificate"};
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return {TlsResult::client_certificate,
          std::string("the client's certificate is not trusted: ") +
              X509_verify_cert_error_string(SSL_get_verify_result(session))};
    default: return {TlsResult::failed, std::move(words)};
  }
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

} // namespace

TlsScratch::TlsScratch()
    : plain(std::make_unique_for_overwrite<char[]>(kPlain + wire::kPadding)),
      gathered(std::make_unique_for_overwrite<char[]>(kRecord)) {
  std::memset(plain.get() + kPlain, 0, wire::kPadding);
}

void TlsTransport::FreeSession::operator()(ssl_st* session) const { SSL_free(session); }

TlsTransport::TlsTransport(TlsServer& server, EventLoop& loop, SocketTransport& socket, TlsScratch& scratch)
    : server_(server),
      loop_(loop),
      socket_(socket),
      scratch_(scratch) {}

TlsTransport::~TlsTransport() = default;

bool TlsTransport::begin(TransportHandler* handler) {
  handler_ = handler;
  return handler != nullptr;
}

// The queue

void TlsTransport::touch() {
  if (dirty_) return;
  dirty_ = true;
  loop_.dirty_layers_.push_back(this);
}

void TlsTransport::send(const SharedBytes& bytes) {
  if (state_ != State::open) return;
  list_ = loop_.queue_.append(list_, bytes);
  touch();
}

void TlsTransport::send_copy(std::string_view bytes) {
  if (state_ != State::open) return;
  list_ = loop_.queue_.append_copy(list_, bytes);
  touch();
}

std::size_t TlsTransport::queued() const {
  return loop_.queue_.size(list_) + (backlog_ ? backlog_->bytes() : 0) + socket_.queued();
}

bool TlsTransport::send_within(const SharedBytes& bytes, std::size_t limit) {
  if (state_ != State::open) return true;
  if (queued() + bytes->size() > limit) return false;
  list_ = loop_.queue_.append(list_, bytes);
  touch();
  return true;
}

std::size_t TlsTransport::drop_queue() {
  std::size_t dropped = loop_.queue_.size(list_);
  list_ = BatchQueue::kEmpty;
  if (backlog_) dropped += backlog_->drop_unstarted();
  return dropped;
}

// A peer that takes something, however slowly, is waited for.
void TlsTransport::Linger::on_timer() {
  const std::size_t now = transport.queued();
  if (now >= left) return transport.abort();
  left = now;
  transport.loop_.arm(*this, duration);
}

void TlsTransport::close_gracefully(Millis linger) {
  if (state_ != State::open) return;
  state_ = State::flushing;
  linger_ = std::make_unique<Linger>(*this, linger);
  loop_.arm(
      *linger_, linger); // limits how long a peer that takes nothing, or does not finish the handshake, is waited for
  touch();
}

void TlsTransport::abort() {
  state_ = State::closing;
  linger_.reset();
  backlog_.reset();
  list_ = BatchQueue::kEmpty;
  socket_.abort();
}

// Out

void TlsTransport::flush() {
  dirty_ = false;
  const BatchQueue::List list = std::exchange(list_, BatchQueue::kEmpty);
  if (state_ == State::closing) return;
  if (list != BatchQueue::kEmpty) {
    const bool at_once = established_ && !backlog_ && socket_.queued() == 0;
    const auto bytes = at_once ? loop_.queue_.contiguous(list) : std::nullopt;
    if (bytes && bytes->size() <= TlsScratch::kFlight) {
      encrypt(*bytes);
      send_out();
    } else {
      if (!backlog_) backlog_ = std::make_unique<Backlog>();
      loop_.queue_.keep(list, *backlog_);
    }
  }
  pump();
  full_ = full_ || socket_.queued() > 0;
  after_flush();
}

void TlsTransport::encrypt(std::string_view plain) {
  std::size_t written = 0;
  ERR_clear_error();
  if (SSL_write_ex(session_.get(), plain.data(), plain.size(), &written) != 1)
    abort(); // the keys of the record layer are used up, or there is no memory
}

void TlsTransport::send_out() {
  constexpr std::size_t kKept = 4 * TlsScratch::kFlight;
  std::string& out = scratch_.out;
  socket_.send_now(out);
  out.clear();
  if (out.capacity() > kKept) out = {};
}

// Encrypts as much of the queue as the socket takes. Small units share a record.
void TlsTransport::pump() {
  if (!established_) return;
  while (backlog_ && socket_.queued() == 0) {
    for (std::size_t flight = 0; backlog_ && !backlog_->empty() && flight < TlsScratch::kFlight;) {
      std::array<iovec, 64> pieces;
      const std::size_t count = backlog_->gather(pieces);
      std::string_view record;
      if (count == 1 || pieces[0].iov_len >= TlsScratch::kRecord) {
        record = {static_cast<const char*>(pieces[0].iov_base), std::min(pieces[0].iov_len, TlsScratch::kRecord)};
      } else {
        std::size_t filled = 0;
        for (std::size_t i = 0; i < count && filled < TlsScratch::kRecord; ++i) {
          const std::size_t size = std::min(pieces[i].iov_len, TlsScratch::kRecord - filled);
          std::memcpy(scratch_.gathered.get() + filled, pieces[i].iov_base, size);
          filled += size;
        }
        record = {scratch_.gathered.get(), filled};
      }
      encrypt(record);
      if (!backlog_) return; // aborted
      backlog_->consume(record.size());
      flight += record.size();
    }
    send_out();
    if (backlog_ && backlog_->empty()) backlog_.reset();
    if (state_ == State::closing) return;
  }
}

void TlsTransport::after_flush() {
  if (state_ != State::flushing) return;
  if (!backlog_ && socket_.queued() == 0) return finish(linger_->duration);
  linger_->left = queued();
  loop_.arm(*linger_, linger_->duration);
}

void TlsTransport::finish(Millis linger) {
  state_ = State::closing;
  linger_.reset();
  if (established_) {
    ERR_clear_error();
    SSL_shutdown(session_.get()); // writes close_notify
    send_out();
  } else if (session_) {
    count(TlsResult::given_up);
  }
  socket_.close_gracefully(linger);
}

void TlsTransport::on_drained() {
  if (state_ == State::closing) return;
  pump();
  if (state_ == State::flushing) return after_flush();
  if (state_ == State::closing || backlog_ || socket_.queued() > 0) return;
  if (std::exchange(full_, false)) handler_->on_drained();
}

// In

void TlsTransport::count(TlsResult result) {
  if (!std::exchange(counted_, true)) server_.ended(result);
}

bool TlsTransport::make_session(std::span<const char> bytes) {
  constexpr char kHandshakeRecord = 0x16;
  if (bytes[0] == kHandshakeRecord) {
    context_ = server_.context();
    session_.reset(SSL_new(context_->first()));
    BIO* bio = session_ ? BIO_new(bio_method()) : nullptr;
    if (bio == nullptr) {
      abort();
      return false;
    }
    BIO_set_data(bio, &scratch_);
    BIO_set_init(bio, 1);
    SSL_set_bio(session_.get(), bio, bio);
    SSL_set_accept_state(session_.get());
    return true;
  }
  const bool announced = wire::proxy_mark({bytes.data(), bytes.size()}) == wire::ProxyMark::present;
  if (announced || is_letter(bytes[0])) {
    counted_ = true;
    socket_.send_now(announced ? server_.proxy_answer(peer_address(), loop_.wall())
                               : server_.plain_answer(peer_address(), loop_.wall()));
  } else {
    counted_ = true;
    server_.failed(TlsResult::not_tls, "the first byte is not the start of a TLS record", peer_address());
    socket_.send_now(std::string_view("\x15\x03\x03\x00\x02\x02\x0a", 7)); // unexpected_message
  }
  finish(kAlertLinger);
  return false;
}

void TlsTransport::established() {
  established_ = true;
  context_.reset();
  const bool resumed = SSL_session_reused(session_.get()) == 1;
  // A resumed session keeps the client's certificate, and OpenSSL does not check its expiry again.
  const X509* certificate = resumed ? SSL_get0_peer_certificate(session_.get()) : nullptr;
  if (certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    if (!std::exchange(counted_, true))
      server_.failed(TlsResult::client_certificate, "the client's certificate has expired since the session began",
          peer_address());
    return abort();
  }
  count(resumed ? TlsResult::resumed : TlsResult::full);
  if (backlog_ || state_ == State::flushing) touch();
}

// OpenSSL has sent the reason to the peer, in an alert; earlier bytes are still delivered.
void TlsTransport::fail(bool before_data) {
  if (before_data && !std::exchange(counted_, true)) {
    Failure failure = why(session_.get());
    server_.failed(failure.result, std::move(failure.evidence), peer_address());
  }
  state_ = State::closing;
  linger_.reset();
  backlog_.reset();
  list_ = BatchQueue::kEmpty;
  socket_.close_gracefully(kAlertLinger);
}

void TlsTransport::deliver(std::size_t size) {
  if (size > 0 && state_ == State::open) handler_->on_bytes({scratch_.plain.get(), size});
}

void TlsTransport::on_bytes(std::span<char> bytes) {
  if (state_ == State::closing) return;
  if (state_ == State::flushing && established_) {
    if ((discarded_ += bytes.size()) > kMostDiscarded) abort();
    return;
  }
  if (!session_ && !make_session(bytes)) return;
  if (established_) return take(bytes);
  if (waiting_ || !loop_.costly().has_time()) return wait_with(bytes);
  loop_.costly().now([&] { take(bytes); });
}

void TlsTransport::wait_with(std::span<const char> bytes) {
  if (waiting_) {
    if (waiting_->bytes.size() + bytes.size() > kMostWaiting) return abort();
    waiting_->bytes.append(bytes.data(), bytes.size());
    return;
  }
  waiting_ = std::make_shared<Waiting>(Waiting{.bytes = {bytes.data(), bytes.size()}});
  loop_.costly().later([this, waiting = std::weak_ptr(waiting_)] {
    if (!waiting.expired()) go_on();
  });
}

void TlsTransport::go_on() {
  const auto waited = std::exchange(waiting_, nullptr);
  if (state_ == State::closing) return;
  take(waited->bytes);
  if (waited->eof && state_ != State::closing) on_eof();
}

void TlsTransport::take(std::span<const char> bytes) {
  ERR_clear_error();
  scratch_.in = bytes;
  std::size_t filled = 0;
  int outcome = SSL_ERROR_NONE;
  do {
    std::size_t count = 0;
    const int done = SSL_read_ex(session_.get(), scratch_.plain.get() + filled, kPlain - filled, &count);
    if (done != 1) outcome = SSL_get_error(session_.get(), done);
    filled += count;
    if (filled == kPlain) {
      deliver(std::exchange(filled, 0));
      if (state_ != State::open) break;
    }
  } while (outcome == SSL_ERROR_NONE);
  scratch_.in = {};
  const bool was_established = established_;
  if (!established_ && SSL_is_init_finished(session_.get())) established();
  if (state_ == State::closing) return;
  send_out(); // of the handshake, an answer to a key update, or an alert
  if (socket_.queued() > kUnreadLimit) return abort();
  deliver(filled);
  if (state_ == State::closing) return;
  if (outcome == SSL_ERROR_ZERO_RETURN) return on_eof(); // close_notify
  if (outcome != SSL_ERROR_WANT_READ && outcome != SSL_ERROR_NONE) fail(!was_established);
}

void TlsTransport::on_eof() {
  if (waiting_) {
    waiting_->eof = true;
    return;
  }
  if (std::exchange(ended_, true)) return;
  if (!established_ && session_) count(TlsResult::gone);
  if (state_ == State::open)
    handler_->on_eof();
  else if (state_ == State::flushing && !established_)
    abort();
}

void TlsTransport::on_closed() {
  if (!established_ && session_) count(state_ == State::closing ? TlsResult::given_up : TlsResult::gone);
  state_ = State::closing;
  linger_.reset();
  handler_->on_closed();
}

} // namespace foyer::io
