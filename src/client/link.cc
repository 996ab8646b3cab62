#include "client/link.h"

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <optional>
#include <vector>

#include "client/address_scope.h"
#include "wire/url.h"

namespace foyer::client {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Kind = NetError::Kind;

constexpr std::size_t kReadSize = 16 * 1024;

IpAddress address_of(const Tcp::endpoint& endpoint) {
  IpAddress out;
  const auto address = endpoint.address();
  out.written_as_v4 = address.is_v4();
  const auto v6 = address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()) : address.to_v6();
  std::ranges::copy(v6.to_bytes(), out.bytes.begin());
  return out;
}

class AsioLink final : public Link, public std::enable_shared_from_this<AsioLink> {
 public:
  AsioLink(asio::io_context& context, LinkTarget target, Events events)
      : target_(std::move(target)),
        events_(std::move(events)),
        resolver_(context),
        socket_(context),
        deadline_(context) {}

  void start();
  void write(std::string bytes) override;
  void finish() override;
  void abort() override;

 private:
  void connect(const Tcp::resolver::results_type& found);
  void handshake();
  void ready();
  void read();
  void write_next();
  void end(Kind kind, std::string what);
  [[nodiscard]] std::string peer() const { return target_.host + ":" + std::to_string(target_.port); }

  LinkTarget target_;
  Events events_;
  Tcp::resolver resolver_;
  Tcp::socket socket_;
  asio::steady_timer deadline_;
  std::optional<asio::ssl::context> tls_context_;
  std::optional<asio::ssl::stream<Tcp::socket&>> tls_;
  std::array<char, kReadSize + kPadding> buffer_{};
  std::deque<std::string> queue_;
  bool ready_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  bool ended_ = false;
};

void AsioLink::start() {
  auto self = shared_from_this();
  deadline_.expires_after(target_.connect_timeout);
  deadline_.async_wait([self](const error_code& error) {
    if (!error && !self->ready_)
      self->end(Kind::timeout,
          "no connection to " + self->peer() + " within " + std::to_string(self->target_.connect_timeout.count()) +
              " ms");
  });
  resolver_.async_resolve(target_.host, std::to_string(target_.port), Tcp::resolver::numeric_service,
      [self](const error_code& error, const Tcp::resolver::results_type& found) {
    if (self->ended_) return;
    if (error && self->target_.host == "localhost") {
      // A system without a hosts file cannot resolve localhost, which always means loopback (RFC 6761 §6.3).
      const Tcp::endpoint loopback(asio::ip::address_v4::loopback(), self->target_.port);
      return self->connect(
          Tcp::resolver::results_type::create(loopback, self->target_.host, std::to_string(self->target_.port)));
    }
    if (error) return self->end(Kind::resolve, "no address for " + self->target_.host + ": " + error.message());
    self->connect(found);
  });
}

void AsioLink::connect(const Tcp::resolver::results_type& found) {
  auto self = shared_from_this();
  std::vector<Tcp::endpoint> addresses; // within reach, in the resolver's order
  std::string refused;
  for (const auto& entry : found) {
    const auto use = target_.reach == Reach::any ? std::nullopt : special_use(address_of(entry.endpoint()));
    if (!use)
      addresses.push_back(entry.endpoint());
    else
      refused = entry.endpoint().address().to_string() + " is in " + std::string(*use);
  }
  if (addresses.empty()) return end(Kind::not_allowed, target_.host + " is not on the public internet: " + refused);
  asio::async_connect(socket_, addresses, [self](const error_code& error, const Tcp::endpoint&) {
    if (self->ended_) return;
    if (error) return self->end(Kind::connect, "cannot connect to " + self->peer() + ": " + error.message());
    error_code ignored;
    self->socket_.set_option(Tcp::no_delay(true), ignored);
    if (self->target_.tls)
      self->handshake();
    else
      self->ready();
  });
}

void AsioLink::handshake() {
  auto self = shared_from_this();
  error_code error;
  tls_context_.emplace(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(tls_context_->native_handle(), TLS1_2_VERSION);
  tls_context_->set_default_verify_paths(error);
  if (!target_.tls_options.ca_file.empty()) {
    tls_context_->load_verify_file(target_.tls_options.ca_file, error);
    if (error) return end(Kind::tls, "cannot read the certificates in " + target_.tls_options.ca_file);
  }
  tls_.emplace(socket_, *tls_context_);
  const std::string& name = target_.tls_options.name.empty() ? target_.host : target_.tls_options.name;
  if (!wire::is_ip_literal(name)) SSL_set_tlsext_host_name(tls_->native_handle(), name.c_str());
  tls_->set_verify_mode(target_.tls_options.verify ? asio::ssl::verify_peer : asio::ssl::verify_none, error);
  if (target_.tls_options.verify) tls_->set_verify_callback(asio::ssl::host_name_verification(name), error);
  tls_->async_handshake(asio::ssl::stream_base::client, [self](const error_code& failed) {
    if (self->ended_) return;
    if (!failed) return self->ready();
    std::string what = "the TLS handshake with " + self->peer() + " failed: " + failed.message();
    const long verdict = SSL_get_verify_result(self->tls_->native_handle());
    // OpenSSL's error when the certificate is valid and only the name does not match.
    const std::string& wanted =
        self->target_.tls_options.name.empty() ? self->target_.host : self->target_.tls_options.name;
    if (verdict == X509_V_ERR_UNSPECIFIED)
      what += " (the certificate does not name " + wanted + ")";
    else if (verdict != X509_V_OK)
      what += std::string{" ("} + X509_verify_cert_error_string(verdict) + ")";
    self->end(Kind::tls, std::move(what));
  });
}

void AsioLink::ready() {
  ready_ = true; // the deadline may be due already, and its handler queued
  deadline_.cancel();
  read();
  events_.ready();
}

void AsioLink::read() {
  auto self = shared_from_this();
  const auto buffer = asio::buffer(buffer_.data(), kReadSize);
  auto done = [self](const error_code& error, std::size_t size) {
    if (self->ended_) return;
    if (size > 0) self->events_.bytes({self->buffer_.data(), size});
    if (self->ended_) return;
    if (error)
      return self->end(Kind::closed,
          error == asio::error::eof || error == asio::ssl::error::stream_truncated ? "the peer closed the connection"
                                                                                   : error.message());
    self->read();
  };
  if (tls_)
    tls_->async_read_some(buffer, std::move(done));
  else
    socket_.async_read_some(buffer, std::move(done));
}

void AsioLink::write(std::string bytes) {
  if (ended_ || finishing_) return;
  queue_.push_back(std::move(bytes));
  if (!writing_) write_next();
}

void AsioLink::write_next() {
  auto self = shared_from_this();
  writing_ = true;
  auto done = [self](const error_code& error, std::size_t) {
    self->writing_ = false;
    if (self->ended_ || error) return; // the reader reports the end, after the peer's last data
    self->queue_.pop_front();
    if (!self->queue_.empty()) return self->write_next();
    if (self->finishing_) self->finish();
  };
  const auto buffer = asio::buffer(queue_.front());
  if (tls_)
    asio::async_write(*tls_, buffer, std::move(done));
  else
    asio::async_write(socket_, buffer, std::move(done));
}

void AsioLink::finish() {
  finishing_ = true;
  if (ended_ || writing_ || !queue_.empty()) return;
  error_code ignored;
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
}

void AsioLink::abort() {
  if (ended_) return;
  ended_ = true;
  error_code ignored;
  deadline_.cancel();
  resolver_.cancel();
  socket_.close(ignored);
  // The caller may be inside one of the events: they are destroyed later.
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->events_ = {}; });
}

void AsioLink::end(Kind kind, std::string what) {
  if (ended_) return;
  auto ended = events_.ended;
  abort();
  ended(NetError{kind, std::move(what)});
}

} // namespace

std::weak_ptr<Link> Link::open(exec::ControlPlane& plane, LinkTarget target, Events events) {
  auto link = std::make_shared<AsioLink>(plane.context(), std::move(target), std::move(events));
  link->start();
  return link;
}

std::string_view to_string(NetError::Kind kind) {
  switch (kind) {
    case Kind::none: return "none";
    case Kind::resolve: return "resolve";
    case Kind::connect: return "connect";
    case Kind::not_allowed: return "not_allowed";
    case Kind::tls: return "tls";
    case Kind::timeout: return "timeout";
    case Kind::closed: return "closed";
    case Kind::protocol: return "protocol";
  }
  return "none";
}

std::string_view to_string(NetError::Phase phase) {
  switch (phase) {
    case NetError::Phase::connecting: return "connecting";
    case NetError::Phase::waiting: return "waiting";
    case NetError::Phase::reading: return "reading";
  }
  return "connecting";
}

} // namespace foyer::client
