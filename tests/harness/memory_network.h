// A network without a kernel: sockets in memory, one thread, virtual time. A node's
// shards run on the real event loops, turned by hand; only what lies below them, the
// Poller, is the test's. A test holds the clients' ends and decides when time passes.
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
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "harness/memory_poller.h"
#include "io/event_loop.h"
#include "io/transport.h"

namespace foyer::harness {

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
  [[nodiscard]] bool was_reset() const { return link_->server_reset; }

 private:
  std::shared_ptr<Link> link_;
};

class MemoryNetwork {
 public:
  using AcceptMaker = std::function<io::AcceptFunction(io::Loop&)>;

  MemoryNetwork(ManualClock& clock, std::size_t loops);
  ~MemoryNetwork();
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  [[nodiscard]] std::size_t size() const { return loops_.size(); }
  [[nodiscard]] io::EventLoop& loop(std::size_t index) { return *loops_[index].loop; }
  void listen(const AcceptMaker& make);
  // A connection to that loop, from that address. The accept function runs at once.
  [[nodiscard]] std::unique_ptr<MemoryClient> connect(std::size_t loop = 0, std::string address = "127.0.0.1");

  // Something else that has work to do while the loops turn (a worker queue that
  // the test runs by hand): returns true if it did any.
  void also_pump(std::function<bool()> step) { others_.push_back(std::move(step)); }
  void turn(std::size_t loop); // one turn of one loop, which does not wait
  // Until everything rests. Throws std::logic_error if it never does.
  void pump();
  // Lets `time` pass in steps of at most a timer's resolution, pumping after each.
  void advance(Millis time);
  // From now on the servers get what clients write in pieces of this size.
  void deliver_in_pieces_of(std::size_t bytes);
  // From now on others came before whoever wants costly work: all of it is postponed.
  void be_busy() { busy_ = true; }
  void close_all(); // as when loops are stopped: everybody gets on_closed

 private:
  struct Member {
    MemoryPoller* poller; // the loop's
    std::unique_ptr<io::EventLoop> loop;
  };
  ManualClock& clock_;
  std::vector<Member> loops_;
  bool busy_ = false;
  std::vector<io::AcceptFunction> accept_;
  std::vector<std::function<bool()>> others_;
};

} // namespace foyer::harness
