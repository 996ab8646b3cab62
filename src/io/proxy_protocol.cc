#include "io/proxy_protocol.h"

#include <memory>
#include <string>

#include "io/socket_transport.h"
#include "wire/http_parser.h"
#include "wire/problem.h"
#include "wire/proxy_protocol.h"
#include "wire/websocket.h"

namespace foyer::io {
namespace {

constexpr Millis kRefusedLinger{1'000};

// Precedes a socket's handler until the header was read.
class Preface final : public TransportHandler {
 public:
  Preface(const ProxyProtocol& protocol, SocketTransport& socket, TransportHandler* inner)
      : protocol_(protocol),
        socket_(socket),
        inner_(inner) {}

  void on_bytes(std::span<char> bytes) override {
    using State = wire::ProxyHeader::State;
    std::string_view rest{bytes.data(), bytes.size()};
    switch (header_.feed(rest)) {
      case State::reading: return;
      case State::failed: return refuse(std::string{header_.what()});
      case State::absent:
        if (protocol_.required()) return refuse("no PROXY header; the first bytes are something else");
        return replay(rest);
      case State::done:
        if (!header_.address().empty()) socket_.announce(header_.address(), header_.secure());
        header_ = {}; // an idle connection keeps only the address
        socket_.set_handler(inner_);
        if (!rest.empty()) inner_->on_bytes(bytes.subspan(bytes.size() - rest.size()));
        return;
    }
  }
  void on_eof() override { inner_->on_eof(); }
  void on_drained() override { inner_->on_drained(); }
  void on_closed() override { inner_->on_closed(); }

 private:
  // The bytes that were examined are processed as if unread.
  void replay(std::string_view rest) {
    std::string all = header_.taken();
    all.append(rest);
    header_ = {};
    const std::size_t size = all.size();
    all.append(wire::kPadding, '\0');
    socket_.set_handler(inner_);
    inner_->on_bytes({all.data(), size});
  }

  void refuse(std::string evidence) {
    const Refusal refusal{.cause = Cause::PROXY_PROTOCOL_INVALID, .evidence = std::move(evidence)};
    const Ref ref = protocol_.report(refusal, socket_.peer_address());
    const char first = header_.taken().empty() ? '\0' : header_.taken().front();
    const bool http = first >= 'A' && first <= 'Z';
    if (http) socket_.send_now(wire::write_response(wire::problem(refusal, ref, false), false, {}));
    socket_.close_gracefully(kRefusedLinger);
  }

  const ProxyProtocol& protocol_;
  SocketTransport& socket_;
  TransportHandler* inner_;
  wire::ProxyHeader header_;
};

} // namespace

AcceptFunction ProxyProtocol::announced(AcceptFunction accept) const {
  return [this, accept = std::move(accept)](Loop& loop, Transport& transport) -> TransportHandler* {
    TransportHandler* inner = accept(loop, transport);
    if (inner == nullptr || !trusted_(transport.peer_address())) return inner;
    auto& socket = static_cast<SocketTransport&>(transport); // the loop's own
    return socket.keep_preface(std::make_unique<Preface>(*this, socket, inner));
  };
}

} // namespace foyer::io
