#include "doctor/net.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace foyer::doctor {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

std::string numeric(const addrinfo& entry) {
  std::array<char, NI_MAXHOST> text{};
  const int error = getnameinfo(entry.ai_addr, entry.ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return error == 0 ? std::string{text.data()} : std::string{};
}

NameFacts look_up(const std::string& host) {
  NameFacts out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &raw);
  const int system = errno;
  const AddressList list(raw);
  if (error == EAI_NONAME || error == EAI_NODATA) {
    out.result = NameFacts::Result::unknown;
  } else if (error == EAI_AGAIN || error == EAI_FAIL) {
    out.result = NameFacts::Result::failed;
  } else if (error != 0) {
    out.result = NameFacts::Result::fault;
  }
  if (error != 0) out.detail = error == EAI_SYSTEM ? std::strerror(system) : gai_strerror(error);
  for (const addrinfo* at = list.get(); at != nullptr && out.addresses.size() < kMostAddresses; at = at->ai_next)
    if (auto text = numeric(*at); !text.empty() && std::ranges::find(out.addresses, text) == out.addresses.end())
      out.addresses.push_back(std::move(text));
  return out;
}

ConnectFacts::Result meaning_of(int error) {
  switch (error) {
    case 0: return ConnectFacts::Result::connected;
    case ECONNREFUSED: return ConnectFacts::Result::refused;
    case ETIMEDOUT: return ConnectFacts::Result::silent;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM: return ConnectFacts::Result::unreachable;
    case ECONNRESET: return ConnectFacts::Result::refused;
    default: return ConnectFacts::Result::fault;
  }
}

void conclude(ConnectFacts& facts, int error, const Stopwatch& watch) {
  facts.result = meaning_of(error);
  if (error != 0) facts.detail = std::strerror(error);
  facts.took = watch.elapsed();
}

// A socket whose connect() has begun; invalid: `facts` is complete already.
Socket begin(std::uint16_t port, ConnectFacts& facts, const Stopwatch& watch) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  if (const int error = getaddrinfo(facts.address.c_str(), std::to_string(port).c_str(), &hints, &raw); error != 0) {
    conclude(facts, EINVAL, watch);
    facts.detail = gai_strerror(error);
    return {};
  }
  const AddressList list(raw);
  facts.v6 = list->ai_family == AF_INET6;
  Socket socket(::socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) {
    // A machine without IPv6 does not say anything about the peer's IPv6.
    const int error = errno;
    conclude(facts, error == EAFNOSUPPORT ? ENETUNREACH : error, watch);
    return {};
  }
  const int on = 1;
  (void)setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.fd(), list->ai_addr, list->ai_addrlen) != 0 && errno != EINPROGRESS) {
    conclude(facts, errno, watch);
    return {};
  }
  return socket;
}

int error_of(const Socket& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

} // namespace

Deadline Deadline::within(Millis from_now) const {
  Deadline out(*clock_, from_now);
  out.at_ = std::min(out.at_, at_);
  return out;
}

int Deadline::left_ms() const {
  const auto left = std::chrono::ceil<Millis>(at_ - clock_->mono()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (fd_ >= 0 && fd_ != other.fd_) ::close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

// getaddrinfo() knows no deadline: it runs in a thread of its own, which is left behind when it takes too long.
NameFacts resolve(const std::string& host, const Deadline& deadline) {
  struct Shared {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<NameFacts> facts;
  };
  const Stopwatch watch(deadline.clock());
  auto shared = std::make_shared<Shared>();
  std::thread([shared, host] {
    NameFacts facts = look_up(host);
    const std::scoped_lock lock(shared->mutex);
    shared->facts = std::move(facts);
    shared->done.notify_one();
  }).detach();
  std::unique_lock lock(shared->mutex);
  shared->done.wait_for(lock, Millis{deadline.left_ms()}, [&] { return shared->facts.has_value(); });
  NameFacts out = shared->facts
      ? std::move(*shared->facts)
      : NameFacts{.result = NameFacts::Result::failed, .addresses = {}, .detail = "no answer"};
  out.took = watch.elapsed();
  return out;
}

std::vector<ConnectFacts> connect_all(
    const std::vector<std::string>& addresses, std::uint16_t port, const Deadline& deadline) {
  const Stopwatch watch(deadline.clock());
  std::vector<ConnectFacts> out;
  std::vector<Socket> sockets;
  std::vector<pollfd> waiting;
  for (const auto& address : addresses) {
    ConnectFacts& facts = out.emplace_back();
    facts.address = address;
    facts.result = ConnectFacts::Result::silent;
    sockets.push_back(begin(port, facts, watch));
    waiting.push_back({.fd = sockets.back().fd(), .events = POLLOUT, .revents = 0}); // poll() ignores -1
  }
  const auto pending = [&] { return std::ranges::any_of(waiting, [](const pollfd& each) { return each.fd >= 0; }); };
  while (pending() && !deadline.passed()) {
    if (::poll(waiting.data(), waiting.size(), deadline.left_ms()) <= 0) continue;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      conclude(out[i], error_of(sockets[i]), watch);
      waiting[i].fd = -1;
    }
  }
  for (std::size_t i = 0; i < waiting.size(); ++i)
    if (waiting[i].fd >= 0) conclude(out[i], ETIMEDOUT, watch);
  return out;
}

Socket connect_to(const std::string& address, std::uint16_t port, const Deadline& deadline, ConnectFacts& facts) {
  const Stopwatch watch(deadline.clock());
  facts.address = address;
  Socket socket = begin(port, facts, watch);
  if (!socket.valid()) return {};
  pollfd waiting{.fd = socket.fd(), .events = POLLOUT, .revents = 0};
  while (!deadline.passed() && waiting.revents == 0) (void)::poll(&waiting, 1, deadline.left_ms());
  conclude(facts, waiting.revents == 0 ? ETIMEDOUT : error_of(socket), watch);
  if (facts.result != ConnectFacts::Result::connected) return {};
  return socket;
}

} // namespace foyer::doctor
