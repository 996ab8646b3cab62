// For tests of the event loop: one that a test turns by hand, on virtual time, with connections made of socket pairs.
#pragma once

#include <gmock/gmock.h>
#include <netinet/tcp.h>

#include <memory>

#include "io/event_loop.h"
#include "io/poll/epoll_poller.h"
#include "io/testing/peer.h"

namespace foyer::io::test {

using namespace std::chrono_literals;

// One loop, turned by hand on virtual time, and connections made of socket pairs.
struct World {
  ManualClock clock;
  std::vector<std::string> story{};
  std::vector<std::unique_ptr<Recorder>> recorders{};
  EventLoop loop{0, clock, null_log(), make_epoll_poller()}; // last: its destructor still calls the recorders

  struct Connection {
    Peer peer;
    Recorder* handler;
    Transport* transport;
  };
  Connection connect(std::string name) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    recorders.push_back(std::make_unique<Recorder>(story, std::move(name)));
    Recorder* recorder = recorders.back().get();
    recorder->transport = loop.adopt(epoll_handle(ends[0]), "10.0.0.1", [&](Loop&, Transport&) { return recorder; });
    return {Peer{ends[1]}, recorder, recorder->transport};
  }
  std::vector<std::string> turn(int times = 1) {
    story.clear();
    for (int i = 0; i < times; ++i) loop.turn(0ms);
    return story;
  }
};

} // namespace foyer::io::test
