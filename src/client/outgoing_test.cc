#include "client/outgoing.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

namespace foyer::client {
namespace {

using testing::HasSubstr;

std::string refusal_of(std::string_view url, UrlSource source, const OutgoingPolicy& policy = {}) {
  const auto made = outgoing(url, source, policy);
  return made ? "allowed" : std::string(made.error().code()) + ": " + made.error().evidence;
}

TEST(Outgoing, AnOperatorsUrlMayLeadAnywhere) {
  for (const auto url : {"http://localhost:3000/hook", "https://10.0.0.1", "http://[::1]:9/a?b", "https://example.com"})
    EXPECT_EQ(refusal_of(url, UrlSource::operator_), "allowed") << url;
  for (const auto url : {"", "example.com", "ftp://example.com", "https://u:p@example.com", "wss://example.com"})
    EXPECT_THAT(refusal_of(url, UrlSource::operator_), HasSubstr("INVALID_URL")) << url;
}

TEST(Outgoing, AForeignUrlIsHttpsOnAnAllowedPortOfAPublicHost) {
  for (const auto url : {"https://example.com/jwks?x=1", "https://example.com:443", "https://8.8.8.8/"})
    EXPECT_EQ(refusal_of(url, UrlSource::foreign), "allowed") << url;
  EXPECT_EQ(refusal_of("https://example.com:8443", UrlSource::foreign, {.foreign_ports = {443, 8443}}), "allowed");
  const struct {
    const char *url, *why;
  } refused[] = {
      {"", "empty"},
      {"http://example.com", "scheme is http"},
      {"wss://example.com", "scheme is wss"},
      {"https://user@example.com", "user name"},
      {"https://example.com:8443", "port 8443"},
      {"https://127.0.0.1", "loopback"},
      {"https://169.254.169.254/latest/meta-data", "link-local"},
      {"https://[::ffff:10.0.0.1]/", "IPv4 as IPv6"},
      {"https://[64:ff9b::a00:1]/", "NAT64"},
      {"https://2130706433/", "host name"},
      {"https://0x7f000001/", "host name"},
  };
  for (const auto& [url, why] : refused)
    EXPECT_THAT(refusal_of(url, UrlSource::foreign), testing::AllOf(HasSubstr("URL_NOT_ALLOWED"), HasSubstr(why)))
        << url;
}

TEST(Outgoing, ThePoolIsForTheServerAndTheTargetIsTheRest) {
  const auto made = outgoing("https://Example.com/a/b?c=d", UrlSource::foreign);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->pool.server.origin(), "https://example.com");
  EXPECT_EQ(made->target, "/a/b?c=d");
  EXPECT_EQ(made->pool.answer_bytes, 256U * 1024);
  EXPECT_EQ(made->pool.reach, Reach::global);
  EXPECT_EQ(outgoing("http://example.com", UrlSource::operator_)->target, "/");
}

// A port on loopback; `accepted` tells whether anybody connected.
class LocalPort {
 public:
  LocalPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(socket_, 4);
    socklen_t size = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~LocalPort() { ::close(socket_); }
  [[nodiscard]] std::uint16_t number() const { return port_; }
  [[nodiscard]] bool somebody_connected() const {
    const int taken = ::accept(socket_, nullptr, nullptr);
    if (taken >= 0) ::close(taken);
    return taken >= 0;
  }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

HttpResult ask(OutgoingServer server) {
  exec::ControlPlane plane("outgoing");
  std::promise<HttpResult> promise;
  auto answer = promise.get_future();
  std::unique_ptr<HttpPool> pool;
  plane.post([&] {
    pool = std::make_unique<HttpPool>(pool_driver(plane), std::move(server.pool));
    pool->send({.target = server.target, .connect_timeout = Millis{5'000}, .timeout = Millis{5'000}},
        [&promise](HttpResult result) { promise.set_value(std::move(result)); });
  });
  HttpResult result = answer.get();
  plane.stop();
  return result;
}

// The name is allowed, its address is not: what counts is the address that would be connected to.
TEST(Outgoing, ANameThatResolvesToThisMachineIsNotConnectedTo) {
  const LocalPort port;
  auto made = outgoing(
      "https://localhost:" + std::to_string(port.number()), UrlSource::foreign, {.foreign_ports = {port.number()}});
  ASSERT_TRUE(made);
  const auto answer = ask(std::move(*made));
  ASSERT_FALSE(answer);
  const auto refusal = refused_by_policy(answer.error());
  ASSERT_TRUE(refusal) << answer.error().what;
  EXPECT_EQ(refusal->cause, Cause::URL_NOT_ALLOWED);
  EXPECT_THAT(refusal->evidence, HasSubstr("loopback"));
  EXPECT_FALSE(port.somebody_connected());
}

TEST(Outgoing, AnOperatorsNameMayResolveToThisMachine) {
  const LocalPort port;
  auto made = outgoing("https://localhost:" + std::to_string(port.number()), UrlSource::operator_);
  ASSERT_TRUE(made);
  exec::ControlPlane plane("outgoing");
  std::unique_ptr<HttpPool> pool;
  plane.post([&] {
    pool = std::make_unique<HttpPool>(pool_driver(plane), std::move(made->pool));
    pool->send({.timeout = Millis{5'000}}, [](const HttpResult&) {});
  });
  bool seen = false;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!seen && std::chrono::steady_clock::now() < until) seen = port.somebody_connected();
  plane.stop();
  EXPECT_TRUE(seen);
}

TEST(Outgoing, OtherFailuresAreNotThePolicys) {
  EXPECT_FALSE(refused_by_policy({.kind = NetError::Kind::timeout, .what = "slow"}));
}

} // namespace
} // namespace foyer::client
