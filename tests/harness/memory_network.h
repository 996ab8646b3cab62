// A network without a kernel: loops and sockets in memory, one thread, virtual
// time. A node's shards run on MemoryLoops exactly as on epoll loops; a test holds
// the clients' ends and decides when time passes.
//
//   MemoryNetwork net{clock, 2};
//   net.listen([&](io::Loop& loop) { return shard_of(loop).accept_function(); });
//   auto alice = net.connect(0);
//   alice->write("GET /health HTTP/1.1\r\n\r\n");
//   net.pump();
//   EXPECT_THAT(alice->take(), StartsWith("HTTP/1.1 200"));
//
// Nothing moves between calls: pump() runs all loops, in the order of their
// numbers, until none has anything left to do; advance() lets time pass and pumps
// at every moment at which a timer may be due.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "io/cpu_budget.h"
#include "io/mailbox.h"
#include "io/send_queue.h"
#include "io/timer_wheel.h"
#include "io/transport.h"

namespace foyer::harness {

// The wire between a client and the server's socket.
struct Link {
  std::string to_server;             // written by the client, not yet read by the loop
  std::string to_client;             // taken from the server by the "kernel", not yet read by the client
  std::size_t capacity = 256 * 1024; // of to_client: the stand-in for both socket buffers
  bool client_ended = false;         // the client will send no more
  bool client_gone = false;          // nobody is there to take what the server sends
  bool broken = false;               // reset: the server's next look fails
  bool server_ended = false;         // the server will send no more
  bool server_closed = false;        // its socket is gone
  bool silent = false;               // nothing gets through any more, in either direction
};

class MemoryNetwork;

// The client's end of a connection. Bytes arrive with the next pump().
class MemoryClient {
 public:
  explicit MemoryClient(std::shared_ptr<Link> link) : link_(std::move(link)) {}
  ~MemoryClient() { close(); }
  MemoryClient(const MemoryClient&) = delete;
  MemoryClient& operator=(const MemoryClient&) = delete;

  void write(std::string_view bytes);
  void end_writing() { link_->client_ended = true; }
  void close() { link_->client_ended = link_->client_gone = true; } // an orderly end
  void reset() { link_->broken = link_->client_gone = true; }
  // The cable is cut: what either side sends is lost, and neither is told.
  void go_silent() { link_->silent = true; }
  // What came so far. A client that never takes is a slow reader: after
  // `capacity` bytes the server's queue grows.
  [[nodiscard]] std::string take(std::size_t at_most = static_cast<std::size_t>(-1));
  [[nodiscard]] std::size_t waiting() const { return link_->to_client.size(); }
  void set_capacity(std::size_t bytes) { link_->capacity = bytes; }
  [[nodiscard]] bool ended() const { return link_->server_ended || link_->server_closed; } // no more will come
  [[nodiscard]] bool closed() const { return link_->server_closed; }

 private:
  std::shared_ptr<Link> link_;
};

class MemoryTransport;

class MemoryLoop final : public io::Loop {
 public:
  MemoryLoop(std::uint8_t index, const Clock& clock);
  ~MemoryLoop() override;
  MemoryLoop(const MemoryLoop&) = delete;
  MemoryLoop& operator=(const MemoryLoop&) = delete;

  [[nodiscard]] std::uint8_t index() const override { return index_; }
  [[nodiscard]] MonoTime now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override { return wall_; }
  void arm(io::Timer& timer, Millis after) override { wheel_.arm(timer, after); }
  void disarm(io::Timer& timer) override { wheel_.disarm(timer); }
  void post(std::move_only_function<void()> task) override;
  void after_turn(std::move_only_function<void()> task) override { tasks_.push_back(std::move(task)); }
  [[nodiscard]] io::CpuBudget& costly() override { return costly_; }

  // One turn, in the order of a real loop's. False: there was nothing to do.
  bool turn();
  // From now on others came before whoever wants costly work: all of it is postponed.
  void be_busy() { busy_ = true; }
  void close_all(); // as when a real loop is stopped: everybody gets on_closed

 private:
  friend class MemoryNetwork;
  friend class MemoryTransport;
  bool read_sockets();
  bool close_sockets();

  std::uint8_t index_;
  const Clock& clock_;
  MonoTime now_;
  WallTime wall_;
  std::size_t chunk_ = static_cast<std::size_t>(-1);
  io::TimerWheel wheel_;
  io::Mailbox mailbox_;
  std::vector<std::unique_ptr<MemoryTransport>> transports_;
  std::vector<std::move_only_function<void()>> tasks_;
  io::LoopCounter postponed_;
  bool busy_ = false;
  io::CpuBudget costly_{*this, clock_, postponed_};
};

class MemoryNetwork {
 public:
  using AcceptMaker = std::function<io::AcceptFunction(io::Loop&)>;

  MemoryNetwork(ManualClock& clock, std::size_t loops);
  ~MemoryNetwork();
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  [[nodiscard]] std::size_t size() const { return loops_.size(); }
  [[nodiscard]] MemoryLoop& loop(std::size_t index) { return *loops_[index]; }
  void listen(const AcceptMaker& make);
  // A connection to that loop, from that address. The accept function runs at once.
  [[nodiscard]] std::unique_ptr<MemoryClient> connect(
      std::size_t loop = 0, std::string address = "127.0.0.1", bool secure = false);

  // Something else that has work to do while the loops turn (a worker queue that
  // the test runs by hand): returns true if it did any.
  void also_pump(std::function<bool()> step) { others_.push_back(std::move(step)); }
  // Until everything rests. Throws std::logic_error if it never does.
  void pump();
  // Lets `time` pass in steps of at most a timer's resolution, pumping after each.
  void advance(Millis time);
  // From now on the servers get what clients write in pieces of this size.
  void deliver_in_pieces_of(std::size_t bytes);
  void be_busy(); // see MemoryLoop
  void close_all();

 private:
  ManualClock& clock_;
  std::vector<std::unique_ptr<MemoryLoop>> loops_;
  std::vector<io::AcceptFunction> accept_;
  std::vector<std::function<bool()>> others_;
};

} // namespace foyer::harness
