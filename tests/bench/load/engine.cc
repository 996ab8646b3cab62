#include "load/engine.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/bytes.h"
#include "wire/websocket.h"

namespace bench {

Engine::Engine(const Options& options, Mode& mode)
    : options_(options),
      mode_(mode),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      buffer_(256 * 1024) {}

Engine::~Engine() {
  for (auto& c : connections_)
    if (c.fd >= 0) ::close(c.fd);
  ::close(epoll_);
}

Connection& Engine::add(std::string user) {
  Connection& connection = connections_.emplace_back();
  connection.user = std::move(user);
  return connection;
}

void Engine::watch(Connection& connection, bool writable, bool add) {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = &connection}};
  if (writable) event.events |= EPOLLOUT;
  ::epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection.fd, &event);
}

void Engine::connect(Connection& connection) {
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) die("socket: too many open files? (ulimit -n)");
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (options_.source_addresses > 1) {
    ::setsockopt(connection.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    address.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + 1 + next_source_++ % static_cast<std::uint32_t>(options_.source_addresses));
    if (::bind(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
      die("bind of a source address");
  }
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connection.phase = Connection::Phase::connecting;
  if (::connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 && errno != EINPROGRESS)
    die(std::string("connect: ") + std::strerror(errno));
  watch(connection, true, true);
}

void Engine::close(Connection& connection) {
  if (connection.fd >= 0) ::close(connection.fd);
  connection.fd = -1;
  connection.phase = Connection::Phase::closed;
  connection.in.clear();
  connection.out.clear();
}

std::string Engine::upgrade_request(const Connection& connection) {
  return "GET /ws/chat HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options_.port) +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
      "AAECAwQFBgcICQoLDA0ODw==\r\n"
      "Sec-WebSocket-Protocol: foyer.v1\r\nAuthorization: Bearer " +
      make_token(options_, connection.user, ++serial_) + "\r\n\r\n";
}

void Engine::send_bytes(Connection& connection, std::string_view bytes) {
  if (!connection.out.empty()) {
    connection.out.append(bytes);
    return;
  }
  const ssize_t n = ::send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) return; // reading will say why
  const std::size_t taken = n > 0 ? static_cast<std::size_t>(n) : 0;
  if (taken == bytes.size()) return;
  connection.out.assign(bytes.substr(taken));
  watch(connection, true, false);
}

void Engine::send_text(Connection& connection, std::string_view text) {
  std::string frame;
  foyer::wire::append_masked_frame(frame, foyer::wire::Opcode::text, text, 0x5a17c3e9);
  send_bytes(connection, frame);
}

void Engine::on_writable(Connection& connection) {
  if (connection.phase == Connection::Phase::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) die(std::string("connect: ") + std::strerror(error));
    watch(connection, false, false);
    if (options_.protocol == Protocol::raw) {
      connection.phase = Connection::Phase::open;
      mode_.on_open(connection);
    } else {
      connection.phase = Connection::Phase::upgrading;
      send_bytes(connection, upgrade_request(connection));
    }
    return;
  }
  if (connection.out.empty()) return;
  const std::string waiting = std::exchange(connection.out, {});
  send_bytes(connection, waiting);
  if (connection.out.empty()) watch(connection, false, false);
}

bool Engine::read_head(Connection& connection, std::string_view& bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  if (!bytes.starts_with("HTTP/1.1 101")) die("the server did not upgrade:\n" + std::string(bytes.substr(0, 2000)));
  bytes.remove_prefix(end + 4);
  connection.phase = Connection::Phase::open;
  mode_.on_open(connection);
  return true;
}

void Engine::on_readable(Connection& connection) {
  for (;;) {
    const ssize_t n = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      close(connection);
      mode_.on_closed(connection);
      return;
    }
    std::string joined;
    std::string_view bytes{buffer_.data(), static_cast<std::size_t>(n)};
    if (!connection.in.empty()) {
      joined = std::move(connection.in);
      connection.in.clear();
      joined.append(bytes);
      bytes = joined;
    }
    if (connection.phase == Connection::Phase::upgrading && !read_head(connection, bytes)) {
      connection.in.assign(bytes);
      continue;
    }
    while (bytes.size() >= 2 && connection.phase == Connection::Phase::open) {
      const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])); };
      std::uint64_t size = byte(1) & 0x7f;
      std::size_t head = 2;
      if (size == 126 && bytes.size() >= 4) {
        size = byte(2) << 8 | byte(3);
        head = 4;
      } else if (size == 127 && bytes.size() >= 10) {
        size = 0;
        for (std::size_t i = 2; i < 10; ++i) size = size << 8 | byte(i);
        head = 10;
      } else if (size >= 126) {
        break;
      }
      if (bytes.size() < head + size) break;
      const std::string_view payload = bytes.substr(head, size);
      const auto opcode = static_cast<foyer::wire::Opcode>(byte(0) & 0x0f);
      bytes.remove_prefix(head + size);
      if (opcode == foyer::wire::Opcode::ping) {
        std::string pong;
        foyer::wire::append_masked_frame(pong, foyer::wire::Opcode::pong, payload, 0x5a17c3e9);
        send_bytes(connection, pong);
      } else if (opcode == foyer::wire::Opcode::close) {
        die("the server closed: " + std::string(payload.substr(std::min<std::size_t>(2, payload.size()))));
      } else {
        mode_.on_message(connection, payload);
      }
    }
    if (connection.phase != Connection::Phase::open) return;
    connection.in.assign(bytes);
    if (static_cast<std::size_t>(n) < buffer_.size()) return;
  }
}

void Engine::step(int milliseconds) {
  std::array<epoll_event, 1024> events;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    auto& connection = *static_cast<Connection*>(event.data.ptr);
    if (connection.phase == Connection::Phase::closed) continue;
    if ((event.events & (EPOLLOUT | EPOLLERR)) != 0) on_writable(connection);
    if (connection.phase == Connection::Phase::closed || connection.phase == Connection::Phase::connecting) continue;
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) on_readable(connection);
  }
}

std::string make_token(const Options& options, std::string_view user, std::uint64_t serial) {
  static const std::string head = foyer::base64url_encode(R"({"alg":"HS256","typ":"at+jwt"})");
  const auto now = std::time(nullptr);
  const std::string claims = R"({"iss":")" + options.issuer + R"(","aud":")" + options.audience + R"(","sub":")" +
      std::string(user) + R"(","client_id":"foyer-bench","jti":"bench-)" + std::to_string(serial) + R"(","iat":)" +
      std::to_string(now) + R"(,"exp":)" + std::to_string(now + 3600) + R"(,"scope":"chat:read chat:write"})";
  const std::string signed_part = head + "." + foyer::base64url_encode(claims);
  return signed_part + "." + foyer::base64url_encode(foyer::hmac_sha256(options.secret, signed_part));
}

bool has_type(std::string_view json, std::string_view type) {
  constexpr std::string_view kStart = R"({"type":")";
  return json.starts_with(kStart) && json.substr(kStart.size()).starts_with(type) &&
      json.size() > kStart.size() + type.size() && json[kStart.size() + type.size()] == '"';
}

} // namespace bench
