// One socket of an EventLoop: its state and its queue. An idle socket owns nothing but this object: no buffer, no
// queue, no timer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "io/poll/poller.h"
#include "io/send_queue.h"
#include "io/transport.h"

namespace foyer::io {

class EventLoop;

// A layer between a socket and its handler, such as TLS. It receives the
// socket's events, has a queue of its own, and is asked for its bytes at the end of
// the turn, before the sockets are flushed.
class Layer : public TransportHandler {
 public:
  virtual void flush() = 0; // calls no handler; passes its bytes to send_now
};

class SocketTransport final : public Transport {
 public:
  enum class State : std::uint8_t {
    open,      // bytes go to the handler
    flushing,  // close_gracefully was called, the queue is not empty yet
    lingering, // writing is shut down, waiting for the peer to end too
    closed,    // the socket is closed, on_closed follows or was called
  };

  SocketTransport(EventLoop& loop, Handle socket, std::uint32_t slot, std::string peer);
  ~SocketTransport() override;

  void send(const SharedBytes& bytes) override;
  void send_copy(std::string_view bytes) override;
  [[nodiscard]] bool send_within(const SharedBytes& bytes, std::size_t limit) override;
  [[nodiscard]] std::size_t queued() const override;
  [[nodiscard]] std::size_t unacknowledged() const override;
  std::size_t drop_queue() override;
  void close_gracefully(Millis linger) override;
  void close_when_sent(Millis patience) override;
  void abort() override;
  void reset_if_cut() override;
  void set_handler(TransportHandler* handler) override { handler_ = handler; }
  [[nodiscard]] std::string_view peer_address() const override {
    return extras_ && !extras_->address.empty() ? std::string_view{extras_->address} : std::string_view{peer_};
  }
  [[nodiscard]] std::string_view socket_address() const override { return peer_; }
  [[nodiscard]] bool secure() const override { return extras_ && extras_->secure; }
  [[nodiscard]] bool was_reset() const override { return reset_; }

  // For a layer: lives as long as this object.
  void keep(std::unique_ptr<Layer> layer) { extras().layer = std::move(layer); }
  // For the PROXY protocol: the client behind this connection.
  TransportHandler* keep_preface(std::unique_ptr<TransportHandler> preface) {
    extras().preface = std::move(preface);
    return extras_->preface.get();
  }
  void announce(std::string address, bool secure) {
    extras().address = std::move(address);
    extras_->secure = secure;
  }
  // Sends now, not at the end of the turn, and only once: the bytes are in a scratch
  // buffer of the caller. What the poller does not take waits here, and on_drained follows.
  void send_now(std::string_view bytes);

 private:
  friend class EventLoop;
  // What a plain socket does not have.
  struct Extras {
    std::unique_ptr<Layer> layer;              // null: the socket is the handler's own
    std::unique_ptr<TransportHandler> preface; // reads the PROXY header, from which the others are
    std::string address;                       // the client's; empty: the socket's peer
    bool secure = false;                       // the client used TLS with the proxy
  };
  [[nodiscard]] Extras& extras() {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
  }
  // The time limit for a peer that does not finish.
  struct Linger final : Timer {
    Linger(SocketTransport& t, Millis d) : transport(t), duration(d) {}
    void on_timer() override { transport.abort(); }
    SocketTransport& transport;
    Millis duration;
    std::size_t discarded = 0; // bytes that came meanwhile
  };

  void on_event(const Event& event);
  void read(bool until_end); // until_end: an end or an error is known to follow the bytes
  void flush();
  // False: the socket is gone. `end_follows`: as in Poller::send.
  bool write(std::span<const iovec> pieces, std::size_t& taken, bool end_follows = false);
  bool write(std::string_view bytes, std::size_t& taken, bool end_follows = false);
  bool write_backlog(); // false: bytes are left, or the socket is gone
  void shut_down();
  void fail();  // after a TCP error
  void touch(); // flush me at the end of this turn
  void want_writable(bool wanted);

  EventLoop& loop_;
  TransportHandler* handler_ = nullptr;
  std::unique_ptr<Backlog> backlog_; // null unless the kernel took less than everything
  std::unique_ptr<Linger> linger_;
  std::unique_ptr<Extras> extras_;
  std::string peer_;
  Handle socket_;
  std::uint32_t slot_;
  BatchQueue::List list_ = BatchQueue::kEmpty; // sent in this turn
  State state_ = State::open;
  bool dirty_ = false;
  bool read_later_ = false;
  bool wants_writable_ = false;
  bool ended_ = false;     // the peer will send no more
  bool when_sent_ = false; // its end is not waited for
  bool reset_ = false;
  bool reset_if_cut_ = false;
};

} // namespace foyer::io
