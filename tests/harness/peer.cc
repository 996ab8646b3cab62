#include "harness/peer.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "harness/invariants.h"
#include "wire/extensions.h"

namespace foyer::harness {
namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455 §1.3
constexpr std::uint32_t kMask = 0x5A17C0DE;

} // namespace

Peer::Peer(std::unique_ptr<MemoryClient> client) : client_(std::move(client)) {}
Peer::~Peer() { over(); }

void Peer::watched_by(Invariants& invariants, std::string name) {
  invariants_ = &invariants;
  name_ = std::move(name);
}

void Peer::recorded_in(Recording& recording, const std::string& name) {
  section_ = &recording.of(name);
  section_->connected();
}

void Peer::over() {
  if (invariants_ != nullptr) std::exchange(invariants_, nullptr)->ended(name_);
}

void Peer::stop_reading() {
  reads_ = false;
  if (invariants_ != nullptr) invariants_->deaf(name_);
}

void Peer::go_silent() {
  if (section_ != nullptr) section_->event("> nothing gets through any more");
  client_->go_silent();
  over();
}

void Peer::vanish() {
  if (section_ != nullptr) section_->event("> reset");
  client_->reset();
  over();
}

void Peer::request(std::string_view method, std::string_view target, const Headers& headers, std::string_view body) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\n", method, target);
  if (headers.find("Host") == nullptr) out += "Host: 127.0.0.1:8000\r\n";
  for (const Header& header : headers.list()) out += fmt::format("{}: {}\r\n", header.name, header.value);
  if (!body.empty()) out += fmt::format("Content-Length: {}\r\n", body.size());
  out += "\r\n";
  out += body;
  http_ = std::make_unique<wire::HttpResponseParser>(method == "HEAD");
  answer.reset();
  send_raw(out);
}

void Peer::send_raw(std::string_view bytes) {
  if (section_ != nullptr) section_->sent(bytes);
  client_->write(bytes);
}

void Peer::end_writing() {
  if (section_ != nullptr) section_->event("> end");
  client_->end_writing();
}

void Peer::handshake(std::string_view target, const Headers& headers) {
  Headers all{{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Key", std::string(kKey)}};
  for (const Header& header : headers.list()) {
    // A header with an empty value is one that somebody on the way took out.
    if (header.value.empty())
      std::erase_if(all.list(), [&](const Header& h) { return iequals(h.name, header.name); });
    else if (all.find(header.name) != nullptr)
      all.set(header.name, header.value);
    else
      all.add(header.name, header.value);
  }
  request("GET", target, all);
}

void Peer::await_answer() {
  http_ = std::make_unique<wire::HttpResponseParser>();
  answer.reset();
  std::string bytes = std::exchange(unasked_, {});
  read_http(bytes);
}

std::string_view Peer::packed(std::string_view payload) {
  return deflater_ && deflater_->pack(payload, packed_) ? std::string_view{packed_} : payload;
}

void Peer::send_frame(wire::Opcode opcode, std::string_view payload) {
  const bool message = opcode == wire::Opcode::text || opcode == wire::Opcode::binary;
  const std::string_view sent = message ? packed(payload) : payload;
  std::string frame;
  wire::append_masked_frame(frame, opcode, sent, kMask, sent.data() != payload.data());
  write_frame(std::move(frame), payload);
}

// `message`: the payload before it was compressed.
void Peer::write_frame(std::string frame, std::string_view message) {
  client_->write(frame);
  if (section_ != nullptr) section_->sent_frame({.bytes = std::move(frame)}, message);
}

void Peer::send_in_pieces(std::string_view text, std::size_t piece) {
  if (invariants_ != nullptr) invariants_->said(name_, text);
  std::string_view rest = packed(text);
  const bool is_packed = rest.data() != text.data();
  for (bool first = true; first || !rest.empty(); first = false) {
    std::string frame;
    wire::append_masked_frame(frame, first ? wire::Opcode::text : wire::Opcode::continuation, rest.substr(0, piece),
        kMask, first && is_packed);
    rest = rest.substr(std::min(piece, rest.size()));
    if (!rest.empty()) frame[0] = static_cast<char>(frame[0] & 0x7f); // another one follows
    write_frame(std::move(frame), first ? text : "");                 // all of it is shown with the first piece
  }
}

void Peer::send_text(std::string_view text) {
  if (invariants_ != nullptr) invariants_->said(name_, text);
  send_frame(wire::Opcode::text, text);
}
void Peer::send_binary(std::string_view bytes) { send_frame(wire::Opcode::binary, bytes); }
void Peer::send_as_packed(std::string_view payload) {
  std::string frame;
  wire::append_masked_frame(frame, wire::Opcode::text, payload, kMask, true);
  write_frame(std::move(frame), payload);
}
void Peer::send_ping() { send_frame(wire::Opcode::ping, "is anybody there?"); }
void Peer::send_close(std::uint16_t code) { send_frame(wire::Opcode::close, wire::close_payload(code, "")); }

bool Peer::read() {
  if (!reads_) return false;
  std::string bytes = client_->take();
  const bool did = !bytes.empty();
  if (!frames_) {
    const std::string all = bytes;
    if (http_ && did)
      read_http(bytes);
    else if (!http_)
      unasked_ += bytes;
    const std::size_t behind = frames_ ? bytes.size() : 0; // frames that came with the answer
    if (section_ != nullptr) section_->heard(std::string_view(all).substr(0, all.size() - behind));
  }
  if (frames_ && !bytes.empty()) read_frames(bytes);
  if (client_->ended() && !over_ && client_->waiting() == 0) {
    over_ = true;
    if (section_ != nullptr) section_->event(splitter_.unfinished() ? "< end within a frame" : "< end");
    if (http_ && !frames_) {
      http_->finish();
      if (http_->state() == wire::HttpResponseParser::State::complete && !answer) answer = http_->response();
    }
    if (!closed) closed = HeardClose{.code = 1006, .reason = ""};
    over();
    client_->close();
    return true;
  }
  return did;
}

void Peer::read_http(std::string& bytes) {
  using State = wire::HttpResponseParser::State;
  while (!bytes.empty() && http_->state() != State::complete && http_->state() != State::failed)
    bytes.erase(0, http_->feed(bytes));
  if (http_->state() == State::failed) trouble = "an answer that is not HTTP: " + http_->error();
  if (http_->state() != State::complete) return;
  if (!answer) answer = http_->response();
  if (answer->status != 101) return;
  const std::string* accept = answer->headers.find("Sec-WebSocket-Accept");
  if (accept == nullptr || *accept != wire::accept_key(kKey)) trouble = "a wrong Sec-WebSocket-Accept";
  frames_ = std::make_unique<wire::WsDecoder>(wire::WsRole::client, 16U << 20);
  if (const std::string* extensions = answer->headers.find("Sec-WebSocket-Extensions")) agree(*extensions);
}

// RFC 7692 §7.1: what the server answered is what holds.
void Peer::agree(const std::string& extensions) {
  const auto read = wire::parse_extensions(extensions);
  const auto terms = read ? wire::accept_deflate(*read, true) : std::nullopt;
  if (!terms || read->size() != 1) {
    trouble = "an answer to extensions that no client would take: " + extensions;
    return;
  }
  using Context = wire::Deflater::Context;
  frames_->allow_deflate(inflaters_, terms->server_bits, terms->server_takeover);
  deflater_ = std::make_unique<wire::Deflater>(
      std::max<unsigned>(terms->client_bits, 9), terms->client_takeover ? Context::takeover : Context::none);
}

// One at a time, so that what is sent in answer to one is recorded before the next one, however they arrived.
void Peer::read_frames(std::string_view bytes) {
  splitter_.add(bytes);
  while (auto frame = splitter_.next()) {
    if (section_ != nullptr) section_->heard_frame(*frame);
    const std::size_t size = frame->bytes.size();
    frame->bytes.resize(size + wire::kPadding);
    const wire::WsError error = frames_->feed(std::span(frame->bytes.data(), size), *this);
    if (error.close != 0) trouble = fmt::format("frames that no client would take: {}", error.what);
  }
}

bool Peer::on_message(wire::Opcode kind, std::string_view payload) {
  if (closed) trouble = "a message after Close";
  if (section_ != nullptr) section_->heard_message(payload);
  if (kind == wire::Opcode::text && invariants_ != nullptr) invariants_->heard(name_, payload);
  (kind == wire::Opcode::text ? messages : binaries).emplace_back(payload);
  return true;
}

bool Peer::on_ping(std::string_view payload) {
  ++pings;
  if (answers_pings_) send_frame(wire::Opcode::pong, payload);
  return true;
}

bool Peer::on_close(std::uint16_t code, std::string_view reason) {
  closed = HeardClose{.code = code, .reason = std::string(reason)};
  over();
  send_close(code == 1005 ? 1000 : code);
  return false;
}

} // namespace foyer::harness
