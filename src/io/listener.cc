#include "io/listener.h"

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "io/poll/address_text.h"

namespace foyer::io {

namespace {

struct FreeAddressList {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::string shown(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
}

std::string reason(int error) { return std::error_code(error, std::generic_category()).message(); }

std::uint16_t port_of(const sockaddr& address) {
  return ntohs(address.sa_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

} // namespace

std::unexpected<Refusal> Listener::failed(const ListenAddress& address, int error) {
  const Cause cause = error == EADDRINUSE ? Cause::LISTEN_ADDRESS_IN_USE : Cause::LISTEN_ADDRESS_UNAVAILABLE;
  return refuse_field(cause, "listen", fmt::format("{}: {}", shown(address), reason(error)));
}

Result<void> Listener::examine(const ListenAddress& address) {
  TRY_VOID(bind(address));
  return {};
}

Result<std::shared_ptr<Listener>> Listener::open(const ListenAddress& address, int backlog) {
  TRY(bound, bind(address));
  if (::listen(bound->fd_, backlog) < 0) return failed(address, errno);
  return bound;
}

Result<std::shared_ptr<Listener>> Listener::bind(const ListenAddress& address) {
  const std::string where = shown(address);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (status != 0)
    return refuse(Cause::LISTEN_ADDRESS_UNAVAILABLE, fmt::format("{}: {}", where, ::gai_strerror(status)));
  const std::unique_ptr<addrinfo, FreeAddressList> list{found};

  sockaddr_storage storage{};
  std::memcpy(&storage, list->ai_addr, list->ai_addrlen);
  auto& any = reinterpret_cast<sockaddr&>(storage);
  if (any.sa_family == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(any).sin6_port = htons(address.port);
  else
    reinterpret_cast<sockaddr_in&>(any).sin_port = htons(address.port);

  const int fd = ::socket(any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(address, errno);
  const std::shared_ptr<Listener> bound{new Listener(fd, {}, 0)};
  const int on = 1, off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // only across the TIME_WAIT of an earlier process
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // accepted sockets inherit it
  if (any.sa_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, &any, list->ai_addrlen) < 0) return failed(address, errno);

  socklen_t size = sizeof storage;
  if (::getsockname(fd, &any, &size) < 0) return failed(address, errno);
  bound->host_ = address_text(any);
  bound->port_ = port_of(any);
  return bound;
}

Listener::Queue Listener::queue() const {
  Queue queue;
  tcp_info about{};
  socklen_t size = sizeof about;
  if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &about, &size) == 0) {
    queue.waiting = about.tcpi_unacked; // of a listening socket these two are its accept queue
    queue.limit = about.tcpi_sacked;
  }
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  size = sizeof memory;
  if (::getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) == 0) queue.dropped = memory[SK_MEMINFO_DROPS];
  return queue;
}

Listener::~Listener() { ::close(fd_); }

} // namespace foyer::io
