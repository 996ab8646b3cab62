#include "gateway/no_rooms.h"

#include "admission/door.h"
#include "wire/http_parser.h"
#include "wire/problem.h"
#include "wire/websocket.h"

namespace foyer::gateway {
namespace {

constexpr std::size_t kMostWhileClosing = 64 * 1024; // bytes from a client that keeps sending after our Close
constexpr std::string_view kNext =
    "Configure the proxy to send /ws/ to the process with the gateway role. This process has only the auth role.";

std::string switching_protocols(const Request& request, const std::string& subprotocol, std::string mark) {
  Response response{.status = 101,
      .headers = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"},
          {"Sec-WebSocket-Accept", wire::accept_key(*request.headers.find("Sec-WebSocket-Key"))},
          {"X-Foyer", std::move(mark)}},
      .body = {}};
  if (!subprotocol.empty()) response.headers.add("Sec-WebSocket-Protocol", subprotocol);
  return wire::write_response(response, true, {});
}

} // namespace

// A socket to which the refusal and our Close were sent. It waits for the client's Close: if TCP ended right after our
// Close, some browsers would hide it from the page.
class NoRooms::ClosingSocket final : public io::TransportHandler, io::Timer, wire::WsSink {
 public:
  ClosingSocket(
      NoRooms& owner, io::Transport& transport, io::SlotId id, admission::Permit socket, admission::Permit upgrade)
      : owner_(owner),
        transport_(transport),
        id_(id),
        socket_(std::move(socket)),
        upgrade_(std::move(upgrade)) {
    owner_.loop_.arm(*this, owner_.close_linger_);
  }

  void on_bytes(std::span<char> bytes) override {
    if ((received_ += bytes.size()) > kMostWhileClosing) return transport_.abort();
    static_cast<void>(frames_.feed(bytes, *this));
  }
  void on_eof() override { shut(); }
  void on_drained() override {}
  void on_closed() override { owner_.closing_.remove(id_.slot).reset(); }

 private:
  void on_timer() override { shut(); }
  bool on_message(wire::Opcode, std::string_view) override { return true; }
  bool on_ping(std::string_view) override { return true; }
  bool on_pong(std::string_view) override { return true; }
  bool on_close(std::uint16_t, std::string_view) override {
    shut();
    return false;
  }
  void shut() { transport_.close_gracefully(owner_.close_linger_); }

  NoRooms& owner_;
  io::Transport& transport_;
  io::SlotId id_;
  admission::Permit socket_, upgrade_;
  wire::WsDecoder frames_{wire::WsRole::server, kMostWhileClosing};
  std::size_t received_ = 0;
};

NoRooms::NoRooms(
    io::Loop& loop, const http::Policy& policy, const http::Deps& deps, std::unique_ptr<protocol::ClientCodec> codec)
    : loop_(loop),
      deps_(deps),
      codec_(std::move(codec)),
      reveal_(deps.router.door().reveal),
      close_linger_(policy.close_linger) {}

NoRooms::~NoRooms() = default;

// A reached limit takes precedence over every other refusal.
Refusal NoRooms::refusal_of(const http::Upgrade& upgrade) const {
  if (upgrade.permits.full) return *upgrade.permits.full;
  if (auto limited = deps_.addresses.handshake(upgrade.request.address, loop_.now())) return std::move(*limited);
  return {.cause = Cause::UNKNOWN_PATH,
      .evidence = shown_path(upgrade.request.path) + "; this process serves no rooms",
      .next = kNext};
}

void NoRooms::take(io::Transport& transport, http::Upgrade upgrade) {
  const Request& request = upgrade.request;
  const Refusal refusal = refusal_of(upgrade);
  deps_.addresses.refused(request.address, refusal.cause, loop_.now());
  deps_.reporter.report(request, refusal);
  const admission::Door door(deps_.router.door(), {.request = &request, .secure = request.secure});
  auto permit = door.refuse_by_close(refusal) ? deps_.limits.refusal_upgrade() : std::nullopt;
  if (!permit) {
    Response response = wire::problem(refusal, request.ref, reveal_);
    return upgrade.answers->answer_last(transport,
        {.request = std::move(upgrade.request),
            .response = std::move(response),
            .socket = std::move(upgrade.permits.socket)});
  }
  std::string out = switching_protocols(request, door.refusal_subprotocol(), deps_.router.mark(request.ref));
  std::string json;
  const protocol::Refused refused{.refusal = refusal, .ref = request.ref, .reveal = reveal_, .credential = true};
  codec_->write(json, std::nullopt, refused, {});
  wire::append_frame(out, wire::Opcode::text, json);
  const std::string reason = std::string(refusal.code()) + ' ' + request.ref.str();
  wire::append_frame(out, wire::Opcode::close, wire::close_payload(refusal.info().close, reason));
  ClosingSocket& socket = closing_.add([&](io::SlotId id) {
    return std::make_unique<ClosingSocket>(*this, transport, id, std::move(upgrade.permits.socket), std::move(*permit));
  });
  transport.set_handler(&socket);
  transport.send_copy(out);
  if (upgrade.input_ended) return socket.on_eof();
  std::string early = std::move(upgrade.early_bytes);
  const std::size_t size = early.size();
  early.append(wire::kPadding, '\0');
  socket.on_bytes({early.data(), size});
}

} // namespace foyer::gateway
