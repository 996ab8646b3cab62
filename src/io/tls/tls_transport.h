// One TLS connection on an EventLoop: a layer between the socket, which carries
// ciphertext, and the handler, which sees plaintext.
//
// OpenSSL works only in memory and on the loop's buffers: it reads what the socket
// has just delivered, and its output is sent before the next connection's turn.
// So an idle connection holds OpenSSL's session state, and no buffer.
//
// What a turn has to send is encrypted together at its end, in as few records as
// possible, and leaves in one send. Only as much is encrypted as the socket takes:
// the rest waits as plaintext, where drop_queue can still forget it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "io/send_queue.h"
#include "io/socket_transport.h"
#include "io/tls/tls_server.h"
#include "io/transport.h"

namespace foyer::io {

class EventLoop;

// Buffers that all TLS connections of a loop use in turn.
struct TlsScratch {
  static constexpr std::size_t kRecord = 16 * 1024; // plaintext in a record (RFC 8446 §5.1)
  static constexpr std::size_t kFlight = 64 * 1024; // plaintext encrypted before it is sent
  TlsScratch();
  std::span<const char> in;         // ciphertext that OpenSSL has not taken yet
  std::string out;                  // ciphertext that it made
  std::unique_ptr<char[]> plain;    // what was decrypted, with kPadding behind it
  std::unique_ptr<char[]> gathered; // small units that go into one record
};

class TlsTransport final : public Transport, public Layer {
 public:
  enum class State : std::uint8_t {
    open,     // bytes go to the handler, once the handshake is done
    flushing, // close_gracefully was called, the queue is not empty yet
    closing,  // nothing is read or written any more; the socket is closing
  };

  TlsTransport(TlsServer& server, EventLoop& loop, SocketTransport& socket, TlsScratch& scratch);
  ~TlsTransport() override;
  [[nodiscard]] bool begin(TransportHandler* handler); // false: there is none

  // Transport
  void send(const SharedBytes& bytes) override;
  void send_copy(std::string_view bytes) override;
  [[nodiscard]] bool send_within(const SharedBytes& bytes, std::size_t limit) override;
  [[nodiscard]] std::size_t queued() const override; // plaintext, and ciphertext not yet taken by the kernel
  [[nodiscard]] std::size_t unacknowledged() const override { return socket_.unacknowledged(); } // ciphertext
  std::size_t drop_queue() override;
  void close_gracefully(Millis linger) override; // close_notify goes behind the queue
  void abort() override;
  void reset_if_cut() override { socket_.reset_if_cut(); }
  void set_handler(TransportHandler* handler) override { handler_ = handler; }
  [[nodiscard]] std::string_view peer_address() const override { return socket_.peer_address(); }
  [[nodiscard]] std::string_view socket_address() const override { return socket_.socket_address(); }
  [[nodiscard]] bool was_reset() const override { return socket_.was_reset(); }
  [[nodiscard]] bool secure() const override { return true; }

  // Layer: from the socket
  void on_bytes(std::span<char> bytes) override;
  void on_eof() override;
  void on_drained() override;
  void on_closed() override;
  void flush() override;

 private:
  struct FreeSession {
    void operator()(ssl_st* session) const;
  };
  // Before the queue is flushed; afterwards the socket has its own deadline.
  struct Linger final : Timer {
    Linger(TlsTransport& t, Millis d) : transport(t), duration(d), left(t.queued()) {}
    void on_timer() override;
    TlsTransport& transport;
    Millis duration;
    std::size_t left; // queued bytes when it was armed
  };

  // Bytes of a handshake, kept until a turn has time for them; nothing is read meanwhile.
  struct Waiting {
    std::string bytes;
    bool eof = false; // follows them
  };

  bool make_session(std::span<const char> bytes); // by the first byte; false: not TLS
  void wait_with(std::span<const char> bytes);
  void go_on();
  void take(std::span<const char> bytes);
  void established();
  void fail(bool before_data);
  void deliver(std::size_t size);
  void touch();
  void encrypt(std::string_view plain);
  void send_out();
  void pump();
  void after_flush();
  void finish(Millis linger);
  void count(TlsResult result);

  TlsServer& server_;
  EventLoop& loop_;
  SocketTransport& socket_;
  TlsScratch& scratch_;
  TransportHandler* handler_ = nullptr;
  std::shared_ptr<const TlsContext> context_; // until the handshake is done
  std::unique_ptr<ssl_st, FreeSession> session_;
  std::unique_ptr<Backlog> backlog_; // plaintext; null unless the socket took less than everything
  std::unique_ptr<Linger> linger_;
  std::shared_ptr<Waiting> waiting_;
  BatchQueue::List list_ = BatchQueue::kEmpty; // sent in this turn
  std::size_t discarded_ = 0;                  // bytes received after close_gracefully
  State state_ = State::open;
  bool established_ = false;
  bool counted_ = false; // the result of the handshake was counted
  bool ended_ = false;   // the peer will send no more
  bool dirty_ = false;
  bool full_ = false; // bytes were left over at a flush
};

} // namespace foyer::io
