#include "harness/memory_network.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/log.h"
#include "io/timer_wheel.h"

namespace foyer::harness {

void MemoryClient::write(std::string_view bytes) {
  if (!link_->silent && !link_->server_closed && !link_->client_ended) link_->to_server.append(bytes);
}

std::string MemoryClient::take(std::size_t at_most) {
  std::string taken = link_->to_client.substr(0, at_most);
  link_->to_client.erase(0, taken.size());
  return taken;
}

MemoryNetwork::MemoryNetwork(ManualClock& clock, std::size_t loops) : clock_(clock) {
  for (std::size_t i = 0; i < loops; ++i) {
    auto poller = std::make_unique<MemoryPoller>();
    MemoryPoller* const kept = poller.get();
    loops_.push_back(
        {kept, std::make_unique<io::EventLoop>(static_cast<std::uint8_t>(i), clock, null_log(), std::move(poller))});
  }
}

MemoryNetwork::~MemoryNetwork() { close_all(); }

void MemoryNetwork::close_all() {
  for (auto& [poller, loop] : loops_) {
    loop->stop();
    loop->run();
  }
}

void MemoryNetwork::listen(const AcceptMaker& make) {
  accept_.clear();
  for (auto& [poller, loop] : loops_) accept_.push_back(make(*loop));
}

std::unique_ptr<MemoryClient> MemoryNetwork::connect(std::size_t index, std::string address) {
  auto link = std::make_shared<Link>();
  const auto& [poller, loop] = loops_.at(index);
  static_cast<void>(loop->adopt(poller->add(link), std::move(address), accept_.at(index)));
  return std::make_unique<MemoryClient>(std::move(link));
}

void MemoryNetwork::turn(std::size_t index) {
  const auto& [poller, loop] = loops_.at(index);
  if (busy_ && poller->bytes_wait()) loop->costly().later([] {});
  loop->turn(Millis{0});
}

void MemoryNetwork::pump() {
  constexpr int kRounds = 1'000'000;
  for (int i = 0; i < kRounds; ++i) {
    bool did = false;
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
      did = loops_[loop].loop->has_work() || loops_[loop].poller->has_events() || did;
      turn(loop);
    }
    for (auto& step : others_) did = step() || did;
    if (!did) return;
  }
  throw std::logic_error("the network does not come to rest");
}

void MemoryNetwork::advance(Millis time) {
  pump();
  while (time > Millis{0}) {
    const Millis step = std::min(time, io::TimerWheel::kTick);
    clock_.advance(step);
    time -= step;
    pump();
  }
}

void MemoryNetwork::deliver_in_pieces_of(std::size_t bytes) {
  for (auto& [poller, loop] : loops_) poller->set_piece(std::max<std::size_t>(1, bytes));
}

} // namespace foyer::harness
