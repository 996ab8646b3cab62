#include "client/ws_client.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "client/http_client.h"
#include "wire/http_response.h"
#include "wire/websocket.h"

namespace foyer::client {
namespace {

constexpr Millis kCloseWait{2'000};

} // namespace

struct WsClient::Session final : wire::WsSink, std::enable_shared_from_this<Session> {
  enum class Phase : std::uint8_t {
    handshake, // the answer's head, or the body of a refusal, is being read
    open,
    closing, // a Close was sent
    done,    // the last event was reported
  };

  Session(exec::ControlPlane& p, Entropy& e, WsOptions o, Events ev)
      : plane(p),
        entropy(e),
        options(std::move(o)),
        events(std::move(ev)),
        decoder(wire::WsRole::client, options.max_message) {}

  exec::ControlPlane& plane;
  Entropy& entropy;
  WsOptions options;
  Events events;
  wire::Url url;
  std::string key;
  wire::HttpResponseParser parser;
  wire::WsDecoder decoder;
  std::weak_ptr<Link> link;
  TimerId deadline = 0;
  std::uint64_t bytes_seen = 0;
  Phase phase = Phase::handshake;

  void start();
  void set_deadline(Millis wait);
  std::string request();
  void on_bytes(std::span<char> bytes);
  void on_ended(NetError error);
  void check_answer();
  [[nodiscard]] std::string fault_of(const Response& answer) const;
  void fail(NetError error, std::optional<Response> answer);
  void send(wire::Opcode opcode, std::string_view payload);
  void report_closed(std::uint16_t code, std::string_view reason);
  void drop();

  bool on_message(wire::Opcode kind, std::string_view payload) override {
    if (kind == wire::Opcode::text)
      events.text(payload);
    else if (events.binary)
      events.binary(payload);
    return phase != Phase::done;
  }
  bool on_ping(std::string_view payload) override {
    if (phase == Phase::open) send(wire::Opcode::pong, payload);
    return true;
  }
  bool on_pong(std::string_view) override { return true; }
  bool on_close(std::uint16_t code, std::string_view reason) override {
    if (phase == Phase::open) send(wire::Opcode::close, wire::close_payload(code, {}));
    report_closed(code, reason);
    return false;
  }
};

void WsClient::Session::set_deadline(Millis wait) {
  plane.cancel(deadline);
  std::weak_ptr<Session> weak = weak_from_this();
  deadline = plane.after(wait, [weak] {
    const auto self = weak.lock();
    if (!self) return;
    if (self->phase == Phase::handshake)
      self->fail({NetError::Kind::timeout,
                     "no answer to the handshake within " + std::to_string(self->options.timeout.count()) + " ms"},
          std::nullopt);
    else if (self->phase == Phase::closing)
      self->report_closed(1006, {});
    self->drop();
  });
}

void WsClient::Session::start() {
  set_deadline(options.timeout);
  std::array<std::byte, 16> nonce{};
  entropy.fill(nonce);
  key = base64_encode({reinterpret_cast<const char*>(nonce.data()), nonce.size()});
  LinkTarget target{.host = url.host,
      .port = url.port,
      .tls = is_secure(url),
      .tls_options = options.tls,
      .connect_timeout = options.timeout};
  auto self = shared_from_this();
  Link::Events link_events;
  link_events.ready = [self] {
    if (const auto open = self->link.lock()) open->write(self->request());
  };
  link_events.bytes = [self](std::span<char> bytes) { self->on_bytes(bytes); };
  link_events.ended = [self](NetError error) { self->on_ended(std::move(error)); };
  link = Link::open(plane, std::move(target), std::move(link_events));
}

std::string WsClient::Session::request() {
  std::string out = "GET " + request_target(url) + " HTTP/1.1\r\nHost: " + url.authority() +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key +
      "\r\nSec-WebSocket-Version: 13\r\n";
  std::string offers;
  for (const std::string& offer : options.subprotocols) offers += (offers.empty() ? "" : ", ") + offer;
  if (!offers.empty()) out += "Sec-WebSocket-Protocol: " + offers + "\r\n";
  for (const Header& header : options.headers.list()) out += header.name + ": " + header.value + "\r\n";
  return out + "\r\n";
}

void WsClient::Session::on_bytes(std::span<char> bytes) {
  bytes_seen += bytes.size();
  const auto self = shared_from_this(); // an event may destroy the client
  if (phase == Phase::handshake) {
    const std::size_t taken = parser.feed({bytes.data(), bytes.size()});
    bytes = bytes.subspan(taken);
    check_answer();
  }
  if (bytes.empty() || (phase != Phase::open && phase != Phase::closing)) return;
  const wire::WsError error = decoder.feed(bytes, *this);
  if (error.close != 0 && phase != Phase::done) {
    send(wire::Opcode::close, wire::close_payload(error.close, error.what));
    report_closed(error.close, error.what);
  }
}

void WsClient::Session::check_answer() {
  using State = wire::HttpResponseParser::State;
  if (parser.state() == State::failed) return fail({NetError::Kind::protocol, parser.error()}, std::nullopt);
  if (parser.state() != State::complete) return;
  Response& answer = parser.response();
  if (answer.status != 101)
    return fail({NetError::Kind::protocol, "the handshake was answered with " + std::to_string(answer.status)},
        std::move(answer));
  if (std::string fault = fault_of(answer); !fault.empty())
    return fail({NetError::Kind::protocol, std::move(fault)}, std::move(answer));
  plane.cancel(deadline);
  phase = Phase::open;
  events.opened(answer);
}

// The checks of RFC 6455 §4.1 for clients.
std::string WsClient::Session::fault_of(const Response& answer) const {
  const Headers& headers = answer.headers;
  if (!iequals(headers.joined("upgrade"), "websocket")) return "the 101 does not say Upgrade: websocket";
  if (!wire::list_has_token(headers.joined("connection"), "upgrade")) return "the 101 does not say Connection: Upgrade";
  if (headers.joined("sec-websocket-accept") != wire::accept_key(key))
    return "the 101 has a wrong Sec-WebSocket-Accept";
  if (headers.find("sec-websocket-extensions") != nullptr) return "the 101 selects an extension that was not offered";
  if (headers.count("sec-websocket-protocol") > 1) return "the 101 selects more than one subprotocol"; // §11.3.4
  const std::string* selected = headers.find("sec-websocket-protocol");
  if (selected != nullptr && std::ranges::find(options.subprotocols, *selected) == options.subprotocols.end())
    return "the 101 selects a subprotocol that was not offered";
  return {};
}

void WsClient::Session::on_ended(NetError error) {
  const auto self = shared_from_this();
  if (phase == Phase::handshake && error.kind == NetError::Kind::closed) {
    parser.finish();
    check_answer();
  }
  if (phase == Phase::handshake)
    fail(std::move(error), std::nullopt);
  else if (phase != Phase::done)
    report_closed(1006, error.what);
}

void WsClient::Session::fail(NetError error, std::optional<Response> answer) {
  phase = Phase::done;
  drop();
  const auto failed = events.failed;
  failed(WsFailure{std::move(error), std::move(answer)});
}

void WsClient::Session::send(wire::Opcode opcode, std::string_view payload) {
  const auto open = link.lock();
  if (!open || phase == Phase::handshake) return;
  std::string out;
  wire::append_masked_frame(out, opcode, payload, static_cast<std::uint32_t>(entropy.number()));
  open->write(std::move(out));
}

// The server closes TCP first (§7.1.1): our side is kept until it does, or 2 s.
void WsClient::Session::report_closed(std::uint16_t code, std::string_view reason) {
  if (phase == Phase::done) return;
  phase = Phase::done;
  set_deadline(kCloseWait);
  const auto closed = events.closed;
  if (closed) closed(code, reason);
}

void WsClient::Session::drop() {
  plane.cancel(deadline);
  if (const auto open = link.lock()) open->abort();
}

WsClient::WsClient(exec::ControlPlane& plane, Entropy& entropy, const wire::Url& url, WsOptions options, Events events)
    : session_(std::make_shared<Session>(plane, entropy, std::move(options), std::move(events))) {
  session_->url = url;
  session_->start();
}

WsClient::~WsClient() {
  if (session_->phase != Session::Phase::done) session_->drop(); // a reported Close is still being flushed
  session_->phase = Session::Phase::done;
  // The caller may be inside one of the events: they are destroyed later.
  session_->plane.post([session = session_] { session->events = {}; });
}

void WsClient::send_text(std::string_view text) {
  if (session_->phase == Session::Phase::open) session_->send(wire::Opcode::text, text);
}

void WsClient::close(std::uint16_t code, std::string_view reason) {
  if (session_->phase != Session::Phase::open) return;
  session_->send(wire::Opcode::close, wire::close_payload(code, reason));
  session_->phase = Session::Phase::closing;
  session_->set_deadline(kCloseWait);
}

std::uint64_t WsClient::received() const { return session_->bytes_seen; }

} // namespace foyer::client
