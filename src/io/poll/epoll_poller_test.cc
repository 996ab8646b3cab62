#include "io/poll/epoll_poller.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "io/poll/testing/poller_contract.h"

namespace foyer::io::test {
namespace {

class TcpClient final : public FarEnd {
 public:
  explicit TcpClient(int fd) : fd_(fd) {}
  ~TcpClient() override { close(); }
  void write(std::string_view bytes) override { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void end_writing() override { ::shutdown(fd_, SHUT_WR); }
  void reset() override {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  std::string read(std::size_t count) override {
    std::string all;
    char buffer[64 * 1024];
    while (all.size() < count) {
      const ssize_t n = receive(buffer, std::min(sizeof buffer, count - all.size()));
      if (n <= 0) break;
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }
  bool has_ended() override {
    char byte = 0;
    return receive(&byte, 1) == 0;
  }
  bool was_reset() override {
    char byte = 0;
    return receive(&byte, 1) < 0 && errno == ECONNRESET;
  }

 private:
  ssize_t receive(char* to, std::size_t size) const {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&ready, 1, 10'000) == 1 ? ::recv(fd_, to, size, 0) : -1;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int fd_;
};

class TcpWorld final : public PollerWorld {
 public:
  TcpWorld() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    socklen_t size = sizeof address_;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
  }
  ~TcpWorld() override { ::close(listener_); }
  Poller& poller() override { return *poller_; }
  [[nodiscard]] Handle listener() const { return static_cast<Handle>(listener_); }
  Connection connect() override {
    auto far = call();
    pollfd ready{.fd = listener_, .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, 10'000);
    Accepted accepted = poller_->accept(listener());
    EXPECT_EQ(accepted.outcome, Accepted::Outcome::connection);
    EXPECT_EQ(accepted.address, "127.0.0.1");
    return {accepted.handle, std::move(far)};
  }
  std::unique_ptr<FarEnd> call() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    return std::make_unique<TcpClient>(fd);
  }

 private:
  std::unique_ptr<Poller> poller_ = make_epoll_poller();
  int listener_ = -1;
  sockaddr_in address_{};
};

std::unique_ptr<PollerWorld> tcp() { return std::make_unique<TcpWorld>(); }

INSTANTIATE_TEST_SUITE_P(Epoll, PollerContract, testing::Values(&tcp));

TEST(EpollPoller, ReportsAListenerAsLongAsConnectionsWaitAndWhileItIsWatched) {
  TcpWorld world;
  std::array<Event, Poller::kMostEvents> events;
  world.poller().watch_listener(world.listener(), 5);
  const auto one = world.call(), other = world.call();
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(world.poller().wait(events, Millis{10'000}), 1U);
    EXPECT_EQ(events[0].tag, 5U);
    const Accepted accepted = world.poller().accept(world.listener());
    ASSERT_EQ(accepted.outcome, Accepted::Outcome::connection);
    world.poller().close(accepted.handle);
  }
  EXPECT_EQ(world.poller().accept(world.listener()).outcome, Accepted::Outcome::nothing);
  world.poller().unwatch_listener(world.listener());
  const auto late = world.call();
  EXPECT_EQ(world.poller().wait(events, Millis{0}), 0U);
}

TEST(EpollPoller, IsWokenByAnotherThreadAndReportsNothing) {
  const auto poller = make_epoll_poller();
  std::array<Event, Poller::kMostEvents> events;
  std::thread other([&] { poller->wake(); });
  EXPECT_EQ(poller->wait(events, std::nullopt), 0U);
  other.join();
  EXPECT_EQ(poller->wait(events, Millis{0}), 0U) << "once";
}

} // namespace
} // namespace foyer::io::test
