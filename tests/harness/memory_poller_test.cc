#include "harness/memory_network.h"
#include "io/poll/testing/poller_contract.h"

namespace foyer::harness {
namespace {

class MemoryFarEnd final : public io::test::FarEnd {
 public:
  explicit MemoryFarEnd(std::shared_ptr<Link> link) : client_(std::move(link)) {}
  void write(std::string_view bytes) override { client_.write(bytes); }
  void end_writing() override { client_.end_writing(); }
  void reset() override { client_.reset(); }
  std::string read(std::size_t count) override { return client_.take(count); }
  bool has_ended() override { return client_.waiting() == 0 && client_.ended() && !client_.was_reset(); }
  bool was_reset() override { return client_.was_reset(); }

 private:
  MemoryClient client_;
};

class MemoryWorld final : public io::test::PollerWorld {
 public:
  io::Poller& poller() override { return poller_; }
  Connection connect() override {
    auto link = std::make_shared<Link>();
    const io::Handle socket = poller_.add(link);
    return {socket, std::make_unique<MemoryFarEnd>(std::move(link))};
  }

 private:
  MemoryPoller poller_;
};

std::unique_ptr<io::test::PollerWorld> memory() { return std::make_unique<MemoryWorld>(); }

} // namespace
} // namespace foyer::harness

namespace foyer::io::test {
INSTANTIATE_TEST_SUITE_P(Memory, PollerContract, testing::Values(&harness::memory));
} // namespace foyer::io::test
