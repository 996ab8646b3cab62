// A whole connection. The input is a program: clients connect, send bytes, frames and
// commands, are cut off or fall silent, while time passes, the auth service and the disk
// do as they like, and the server drains. It runs against a whole node in one thread.
//
// Whatever happens: what the node sends is HTTP and then frames, every refusal has a code
// of the catalogue, no credential is in the log, and when everybody is gone nothing is
// held on anybody's behalf, whether they left in order or fell silent.
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "fuzz.h"
#include "harness/node.h"
#include "wire/deflate.h"
#include "wire/extensions.h"
#include "wire/http_response.h"
#include "wire/websocket.h"

using namespace foyer;
using namespace foyer::harness;

namespace {

constexpr std::size_t kLoops = 2;
constexpr std::size_t kClients = 4;
constexpr int kSteps = 60;
constexpr int kInputsPerNode = 1000; // then the store has grown enough

// $T: a token, $X: one that expired, $F: one of somebody else's, $K: a ticket, $C: a cookie, $A: the operator's key.
#define WEBSOCKET                                                    \
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " \
  "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define HOST "Host: 127.0.0.1:8000\r\n"
constexpr std::array kRequests = std::to_array<std::string_view>({
    "GET /ws/chat HTTP/1.1\r\n" HOST WEBSOCKET "Authorization: Bearer $T\r\n\r\n",
    "GET /ws/chat HTTP/1.1\r\n" HOST WEBSOCKET "\r\n",
    "GET /ws/chat?ticket=$K HTTP/1.1\r\n" HOST WEBSOCKET "\r\n",
    "GET /ws/chat?auth=cookie HTTP/1.1\r\n" HOST WEBSOCKET
    "Origin: http://localhost:8000\r\nCookie: foyer_session=$C\r\n\r\n",
    "GET /ws/chat HTTP/1.1\r\n" HOST WEBSOCKET "Sec-WebSocket-Protocol: foyer.v1, bearer.$T\r\n\r\n",
    "GET /ws/chat HTTP/1.1\r\n" HOST WEBSOCKET "Origin: http://localhost:8000\r\nAuthorization: Bearer $X\r\n\r\n",
    "GET /ws/chat HTTP/1.1\r\n" HOST WEBSOCKET "Authorization: Bearer $F\r\n\r\n",
    "GET /ws/chat?token=$T HTTP/1.1\r\n" HOST WEBSOCKET "\r\n",
    "GET /ws/echo HTTP/1.1\r\n" HOST WEBSOCKET "Authorization: Bearer $T\r\n\r\n",
    "GET /ws/chat HTTP/1.1\r\n" HOST WEBSOCKET "Origin: https://evil.example\r\nAuthorization: Bearer $T\r\n\r\n",
    "GET /ws/chat HTTP/1.1\r\n" HOST WEBSOCKET
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nAuthorization: Bearer $T\r\n\r\n",
    "GET /ws/chat?ticket=$K HTTP/1.1\r\n" HOST "Origin: http://localhost:8000\r\n\r\n",
    "GET /ws/nowhere HTTP/1.1\r\n" HOST WEBSOCKET "Authorization: Bearer $T\r\n\r\n",
    "GET /health HTTP/1.1\r\n" HOST "\r\n",
    "GET /health/ready HTTP/1.0\r\n\r\n",
    "GET /api/refusals HTTP/1.1\r\n" HOST "Authorization: Bearer $A\r\n\r\n",
    "GET /api/refusals?limit=3 HTTP/1.1\r\n" HOST "Authorization: Bearer $T\r\n\r\n",
    "GET /causes/TOKEN_EXPIRED HTTP/1.1\r\n" HOST "\r\nGET /health HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
    "POST /health HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "POST /auth/login HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
});
constexpr std::array kCommands = std::to_array<std::string_view>({
    R"({"type":"authenticate","id":1,"token":"$T"})",
    R"({"type":"authenticate","ticket":"$K"})",
    R"({"type":"refresh","id":2,"token":"$T"})",
    R"({"type":"join","id":3,"room":"tea","limit":5})",
    R"({"type":"chat","id":4,"room":"tea","message":"hello","key":"k"})",
    R"({"type":"history","id":5,"room":"tea","limit":10})",
    R"({"type":"leave","id":6,"room":"tea"})",
    R"({"type":"create","id":7,"room":"private:plan"})",
    R"({"type":"invite","id":8,"room":"private:plan","user":"user1"})",
    R"({"type":"remove","id":9,"room":"private:plan","user":"user1"})",
    R"({"type":"join","id":10,"room":"private:plan"})",
    R"({"type":"presence","id":11,"room":"tea"})",
    R"({"type":"typing","room":"tea","on":true})",
    R"({"type":"direct","id":12,"user":"user2"})",
    R"({"type":"delete","id":13,"room":"tea","offset":1})",
    R"({"type":"rooms","id":14})",
    R"({"type":"ping","id":15})",
    R"({"type":"chat","room":"user:user0","message":"x"})",
    R"({"type":"authenticate","token":"$X"})",
    R"({"type":"nothing","id":"x"})",
});

bool is_code(std::string_view text) { return find_cause(text).has_value(); }

// What a client hears, checked as it comes.
class Ear final : public wire::WsSink {
 public:
  // What the client sent. The length of an answer to HEAD cannot be told from here.
  void spoken(std::string_view bytes) {
    said_ = said_.substr(said_.size() - std::min<std::size_t>(said_.size(), 3)).append(bytes);
    if (said_.find("HEAD") != std::string::npos) deafen();
  }
  void hear(std::string bytes) {
    if (bytes.empty() || deaf_) return;
    if (!frames_) hear_http(bytes);
    if (frames_ && !bytes.empty()) hear_frames(std::move(bytes));
  }
  void deafen() { deaf_ = true; }
  [[nodiscard]] std::string take_pongs() { return std::exchange(pongs_, {}); }

 private:
  using State = wire::HttpResponseParser::State;

  void hear_http(std::string& bytes) {
    constexpr std::string_view kTlsAlert("\x15\x03\x01\x00\x02\x02\x28", 7);
    if (first_ && kTlsAlert.starts_with(std::string_view(bytes).substr(0, 7))) {
      bytes.clear();
      deafen();
      return;
    }
    first_ = false;
    while (!bytes.empty() && !frames_) {
      bytes.erase(0, http_.feed(bytes));
      invariant(http_.state() != State::failed, "what the node answers is HTTP");
      if (http_.state() != State::complete) return;
      answered(http_.response());
      http_ = wire::HttpResponseParser{};
    }
  }
  void answered(const Response& response) {
    if (response.status == 101) {
      invariant(response.headers.count("Sec-WebSocket-Accept") == 1, "an upgrade is complete");
      frames_.emplace(wire::WsRole::client, 16U << 20U);
      const auto extensions = wire::parse_extensions(response.headers.joined("Sec-WebSocket-Extensions"));
      const auto terms = extensions ? wire::accept_deflate(*extensions, true) : std::nullopt;
      invariant(terms.has_value() || response.headers.count("Sec-WebSocket-Extensions") == 0,
          "an answer to an offer can be read");
      if (terms) frames_->allow_deflate(inflaters(), terms->server_bits, terms->server_takeover);
      return;
    }
    if (response.status < 400) return;
    const auto body = json::parse(response.body);
    invariant(body.has_value() && body->is_object(), "a refusal is an object");
    const auto code = json::get_string(body->get_object(), "code");
    if (response.status == 503 && body->get_object().contains("checks")) return; // what /health says is no refusal
    invariant(code.has_value() && is_code(*code), "a refusal has a code");
    invariant(json::get_int(body->get_object(), "status") == response.status, "and the status of the answer");
  }

  void hear_frames(std::string bytes) {
    const std::size_t size = bytes.size();
    bytes.resize(size + wire::kPadding);
    const auto error = frames_->feed(std::span(bytes.data(), size), *this);
    invariant(error.close == 0, "what the node sends after an upgrade is frames");
  }
  bool on_message(wire::Opcode kind, std::string_view payload) override {
    invariant(!closed_, "nothing comes after Close");
    if (kind == wire::Opcode::binary || echo_) return true;
    const auto message = json::parse(payload, {.bytes = 16U << 20U});
    if (!message || !message->is_object() || !json::get_string(message->get_object(), "type"))
      return echo_ = true; // of /ws/echo
    const auto& object = message->get_object();
    const auto type = *json::get_string(object, "type");
    if (type == "error" || type == "authentication_error") {
      const auto code = json::get_string(object, "code");
      invariant(code.has_value() && is_code(*code), "an error has a code");
    }
    return true;
  }
  bool on_ping(std::string_view payload) override {
    wire::append_masked_frame(pongs_, wire::Opcode::pong, payload, 0x5a17c0de);
    return true;
  }
  bool on_pong(std::string_view) override { return true; }
  bool on_close(std::uint16_t code, std::string_view reason) override {
    invariant(!closed_, "Close comes once");
    closed_ = true;
    // Without a reason it is the client's own code (RFC 6455 §5.5.1).
    if (code >= 4000 && code < 5000 && !reason.empty())
      invariant(is_code(reason.substr(0, reason.find(' '))), "a Close has a code");
    return true;
  }

  static wire::InflaterPool& inflaters() {
    static wire::InflaterPool pool;
    return pool;
  }

  wire::HttpResponseParser http_;
  std::optional<wire::WsDecoder> frames_;
  std::string said_; // the end of it
  std::string pongs_;
  bool first_ = true;
  bool deaf_ = false;
  bool echo_ = false;
  bool closed_ = false;
};

struct Client {
  std::unique_ptr<MemoryClient> end;
  Ear ear;
  bool reads = true;
  bool pongs = true;
};

class World {
 public:
  void run(std::string_view input) {
    if (!node_ || ++inputs_ > kInputsPerNode) begin();
    fuzz::Bytes program(input);
    const std::uint8_t ending = program.byte();
    for (int step = 0; step < kSteps && !program.empty(); ++step) take(program);
    finish(ending);
  }

 private:
  void begin() {
    clients_ = {};
    node_.emplace(Settings{{"loops", "2"}, {"echo", "token"}, {"address_handshakes", "1000000"},
        {"address_refusals", "1000000"}, {"connect_rate", "1000000"}, {"message_bytes", "4000"}, {"text_bytes", "1000"},
        {"outbox_bytes", "20000"}, {"answer_bytes", "40000"}, {"connection_limit", "4"}, {"pending_limit", "2"},
        {"user_connections", "2"}, {"messages_burst", "40"}, {"refusal_upgrades", "2"}, {"compression", "true"},
        {"compression_min_bytes", "32"}, {"compression_context_takeover", "true"}});
    node_->on_pump([this] { return listen(); });
    inputs_ = 0;
  }

  void take(fuzz::Bytes& program) {
    const std::uint8_t what = program.byte();
    Client& client = clients_[(what >> 6U) % kClients];
    switch (what % 20U) {
      case 0:
      case 1: return connect(client, program);
      case 2: return send(client, filled(kCommands[program.byte() % kCommands.size()]), wire::Opcode::text);
      case 3: return send(client, program.text(), wire::Opcode::text);
      case 4: return send(client, program.text(), static_cast<wire::Opcode>(program.byte() & 15U));
      case 5: return write(client, filled(kRequests[program.byte() % kRequests.size()]));
      case 6: return write(client, std::string(program.text()));
      case 7: return write(client, masked(program));
      case 8: return wait(program.byte());
      case 9: return node_->pump();
      case 10: return node_->turn(program.byte() % kLoops);
      case 11: return leave(client, program.byte());
      case 12: client.reads = (program.byte() & 1U) != 0; return;
      case 13: client.pongs = (program.byte() & 1U) != 0; return;
      case 14: return node_->network().deliver_in_pieces_of(1U + program.byte() % 64U);
      case 15: node_->set_auth_weather(std::to_array({"is well", "is away", "is silent"})[program.byte() % 3U]); return;
      case 16: return node_->set_disk(static_cast<Disk>(program.byte() % 5U));
      case 17: return revoke(program.byte());
      case 18: return pack(client, program.text());
      default:
        if (program.byte() != 77) return;
        node_->drain();
        inputs_ = kInputsPerNode; // a node that drains ends
    }
  }

  void connect(Client& client, fuzz::Bytes& program) {
    if (client.end) client.end->reset();
    client = Client{};
    const std::uint8_t how = program.byte();
    client.end = node_->network().connect(how & 1U, (how & 2U) != 0 ? "127.0.0.1" : "2001:db8::7");
    if ((how & 8U) != 0) client.end->set_capacity(1U + program.byte() * 16U);
    std::string request = filled(kRequests[(how >> 4U) % kRequests.size()]);
    if (const std::uint8_t at = program.byte(); at != 0) { // one byte of it is another
      const char byte = static_cast<char>(program.byte());
      request[static_cast<std::size_t>(at) * 4U % request.size()] = byte;
    }
    write(client, request);
  }

  static void write(Client& client, const std::string& bytes) {
    if (!client.end) return;
    client.ear.spoken(bytes);
    client.end->write(bytes);
  }
  static void send(Client& client, std::string_view payload, wire::Opcode opcode) {
    std::string frame;
    wire::append_masked_frame(frame, opcode, payload, 0x1d0ba5e5);
    if (client.end) client.end->write(frame);
  }
  // A compressed message, agreed on or not. It refers to none before it.
  static void pack(Client& client, std::string_view payload) {
    static wire::Deflater deflater(15, wire::Deflater::Context::none);
    std::string packed;
    if (!client.end || !deflater.pack(payload, packed)) return;
    std::string frame;
    wire::append_masked_frame(frame, wire::Opcode::text, packed, 0x1d0ba5e5, true);
    client.end->write(frame);
  }
  // A frame with any first two bytes and any length, and what there is of its payload.
  static std::string masked(fuzz::Bytes& program) {
    std::string frame(program.take(2));
    frame += program.text();
    return frame;
  }
  static void leave(Client& client, std::uint8_t how) {
    if (!client.end) return;
    switch (how % 4U) {
      case 0: return client.end->end_writing();
      case 1: return client.end->reset();
      case 2: return client.end->close();
      default: return client.end->go_silent();
    }
  }
  void wait(std::uint8_t how) {
    constexpr std::array kTimes = std::to_array<std::int64_t>({10, 100, 1'000, 5'000, 11'000, 20'000, 31'000, 76'000});
    coarse(Millis{kTimes[how % kTimes.size()]});
  }
  // As on a machine that is busy: time passes in larger steps than a timer's.
  void coarse(Millis time) {
    node_->pump();
    while (time > Millis{0}) {
      const Millis step = std::min(time, Millis{500});
      node_->clock().advance(step);
      node_->pump();
      time -= step;
    }
    node_->auth().synchronise();
  }
  void revoke(std::uint8_t how) {
    using Kind = auth::RevocationEvent::Kind;
    const std::string user = "user" + std::to_string(how % 3U);
    if ((how & 4U) != 0)
      node_->auth().revoke({.kind = Kind::session, .id = "session-" + user});
    else
      node_->auth().revoke({.kind = Kind::before, .id = user});
    // Who comes later is not concerned.
    node_->clock().advance(Millis{1'000});
  }

  // Puts credentials of now where the text has places for them.
  std::string filled(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '$' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      const Wish wish{.user = "user" + std::to_string(++users_ % 3U)};
      std::string credential;
      switch (text[++i]) {
        case 'T': credential = node_->token(wish).text; break;
        case 'X': credential = node_->token({.user = wish.user, .lives = Millis{-60'000}}).text; break;
        case 'F': credential = node_->token({.user = wish.user, .foreign_key = true}).text; break;
        case 'K': credential = node_->ticket(wish); break;
        case 'C': credential = node_->cookie(wish); break;
        default: credential = Node::kApiKey;
      }
      out += credential;
      secrets_.push_back(credential.substr(credential.size() - 24));
    }
    return out;
  }

  bool listen() {
    bool did = false;
    for (Client& client : clients_) {
      if (!client.end || !client.reads) continue;
      std::string bytes = client.end->take();
      if (bytes.empty()) continue;
      did = true;
      client.ear.hear(std::move(bytes));
      std::string pongs = client.ear.take_pongs();
      if (client.pongs && !pongs.empty()) client.end->write(pongs);
    }
    return did;
  }

  void finish(std::uint8_t ending) {
    node_->pump();
    node_->set_disk(Disk::well);
    node_->set_auth_weather("is well");
    if ((ending & 3U) == 0) {
      // Everybody falls silent, and is noticed in time.
      for (Client& client : clients_)
        if (client.end) client.end->go_silent();
      coarse(Millis{120'000});
    } else {
      for (Client& client : clients_) {
        if (!client.end) continue;
        if ((ending & 4U) != 0) client.end->close();
        client.end->reset();
      }
    }
    node_->pump();
    invariant(node_->held() == Node::Held{}, "when everybody is gone nothing is held");
    clients_ = {};
    node_->network().deliver_in_pieces_of(static_cast<std::size_t>(-1));
    check_log();
    coarse(Millis{1'000});
  }

  void check_log() {
    for (const std::string& line : node_->log()) {
      invariant(is_utf8(line), "a line of the log is UTF-8");
      for (const std::string& secret : secrets_) {
        if (line.find(secret) == std::string::npos) continue;
        std::fprintf(stderr, "%s\n  in  %s\n", secret.c_str(), line.c_str());
        invariant(false, "no credential is in the log");
      }
    }
    node_->forget_log();
    secrets_.clear();
  }

  std::optional<Node> node_;
  std::array<Client, kClients> clients_;
  std::vector<std::string> secrets_; // the ends of all credentials of this input
  std::uint64_t users_ = 0;
  int inputs_ = 0;
};

} // namespace

FUZZER(connection) {
  static World world;
  world.run(input);
}
