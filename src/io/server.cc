#include "io/server.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <string>

#include "io/poll/epoll_poller.h"

namespace foyer::io {

LoopGroup::LoopGroup(std::size_t count, const Clock& clock, Log& log) {
  count = std::clamp<std::size_t>(count, 1, 255);
  for (std::size_t i = 0; i < count; ++i)
    loops_.push_back(std::make_unique<EventLoop>(static_cast<std::uint8_t>(i), clock, log, make_epoll_poller()));
}

LoopGroup::~LoopGroup() {
  stop();
  join();
}

void LoopGroup::listen(const std::shared_ptr<Listener>& listener, const AcceptMaker& make) {
  for (auto& loop : loops_) loop->listen(listener, make(*loop));
}

void LoopGroup::report_to(Metrics& metrics) const {
  const struct {
    const char* name;
    const char* help;
    LoopCounter LoopStats::* counter;
  } rows[] = {
      {"foyer_loop_accepted_total", "Sockets accepted.", &LoopStats::accepted},
      {"foyer_loop_turned_away_total", "Sockets closed at once for lack of file descriptors or memory.",
          &LoopStats::shed},
      {"foyer_loop_received_bytes_total", "Bytes received.", &LoopStats::bytes_in},
      {"foyer_loop_sent_bytes_total", "Bytes sent.", &LoopStats::bytes_out},
      {"foyer_loop_sends_total", "System calls that sent something.", &LoopStats::sends},
      {"foyer_loop_blocked_total", "Flushes that could not send everything because the peer is slow.",
          &LoopStats::blocked},
      {"foyer_loop_postponed_total",
          "TLS handshakes and token verifications postponed to a later turn because the turn's CPU budget was spent.",
          &LoopStats::postponed},
      {"foyer_loop_turns_total", "Turns of the event loop.", &LoopStats::turns},
  };
  for (const auto& loop : loops_) {
    const Labels labels{{"loop", std::to_string(loop->index())}};
    const auto reads = [&loop](LoopCounter LoopStats::* counter) {
      return [&value = loop->stats().*counter] { return static_cast<double>(value.value()); };
    };
    metrics.gauge_callback(
        "foyer_loop_connections", "Sockets that are open on this loop.", reads(&LoopStats::connections), labels);
    for (const auto& row : rows) metrics.counter_callback(row.name, row.help, reads(row.counter), labels);
  }
}

void LoopGroup::start() {
  // Signals are for the starting thread; the loops inherit a full mask.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (auto& loop : loops_) {
    threads_.emplace_back([&loop = *loop] { loop.run(); });
    const std::string name = "loop-" + std::to_string(loop->index());
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LoopGroup::stop_listening(std::move_only_function<void()> done) {
  // Called by the last loop that releases it; the listener itself is gone by then.
  struct Last {
    std::move_only_function<void()> done;
    ~Last() { done(); }
  };
  const auto last = std::make_shared<Last>(std::move(done));
  for (auto& loop : loops_) loop->post([&loop = *loop, last] { loop.stop_listening(); });
}

void LoopGroup::stop() {
  for (auto& loop : loops_) loop->stop();
}

void LoopGroup::join() {
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  threads_.clear();
}

} // namespace foyer::io
