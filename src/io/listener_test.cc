#include "io/listener.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace foyer;
using namespace foyer::io;
using testing::HasSubstr;

TEST(Listener, PortZeroPicksOneAndSaysWhich) {
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    const auto listener = Listener::open({.host = host, .port = 0});
    ASSERT_TRUE(listener.has_value()) << host << ": " << listener.error().evidence;
    EXPECT_GT((*listener)->port(), 0);
    EXPECT_EQ((*listener)->host(), std::string{host} == "localhost" ? "127.0.0.1" : host);
  }
}

TEST(Listener, APortInUseIsSeenEvenIfTheOtherSharesIt) {
  const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ::setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(other, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(other, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(other, reinterpret_cast<sockaddr*>(&address), &size);
  const auto second = Listener::open({.host = "127.0.0.1", .port = ntohs(address.sin_port)});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), "LISTEN_ADDRESS_IN_USE");
  EXPECT_THAT(second.error().evidence, HasSubstr("127.0.0.1:" + std::to_string(ntohs(address.sin_port))));
}

TEST(Listener, AnAddressThatIsNotOursIsUnavailable) {
  const auto foreign = Listener::open({.host = "192.0.2.1", .port = 0});
  ASSERT_FALSE(foreign.has_value());
  EXPECT_EQ(foreign.error().code(), "LISTEN_ADDRESS_UNAVAILABLE");
  const auto nonsense = Listener::open({.host = "no..such..host", .port = 0});
  ASSERT_FALSE(nonsense.has_value());
  EXPECT_EQ(nonsense.error().code(), "LISTEN_ADDRESS_UNAVAILABLE");
}
