#include "doctor/prober.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "doctor/answer.h"
#include "doctor/conversation.h"
#include "wire/websocket.h"

namespace foyer::doctor {
namespace {

constexpr std::size_t kKeptBytes = 256;
// With less, a silence would say nothing about the peer.
constexpr Millis kLeastTime{1'000};
constexpr std::string_view kNoTime = "the time of the run is used up";

std::string shown(const HttpAsk& ask) {
  std::string out = fmt::format("GET {}", shown_path(ask.path));
  std::vector<std::string> with;
  if (ask.upgrade) with.push_back(fmt::format("Upgrade: {}", ask.upgrade_word));
  if (ask.origin) with.push_back("Origin: " + printable(*ask.origin));
  if (!ask.token.empty()) with.emplace_back("a token");
  if (!ask.subprotocols.empty()) with.push_back(fmt::format("{} subprotocol(s)", ask.subprotocols.size()));
  if (ask.deflate) with.emplace_back("permessage-deflate");
  if (!with.empty()) out += fmt::format(" with {}", fmt::join(with, ", "));
  return out;
}

Exchange begun(const HttpAsk& ask) {
  Exchange out;
  out.asked = shown(ask);
  out.path = ask.path;
  out.origin = ask.origin.value_or("");
  out.upgrade = ask.upgrade;
  out.token_sent = !ask.token.empty();
  out.subprotocols = ask.subprotocols;
  out.deflate_offered = ask.deflate;
  return out;
}

} // namespace

struct Prober::Opened {
  Exchange exchange;
  std::optional<Stream> stream; // of a 101
  std::string behind;           // bytes that followed its head
};

Prober::Prober(Entropy& entropy, const Deadline& run, ProbeLimits limits)
    : entropy_(entropy),
      run_(run),
      limits_(limits) {}

NameFacts Prober::name(const std::string& host) const { return resolve(host, run_.within(limits_.resolve)); }

std::vector<ConnectFacts> Prober::connect(const std::vector<std::string>& addresses, std::uint16_t port) const {
  return connect_all(addresses, port, run_.within(limits_.connect));
}

TlsFacts Prober::tls(const Place& place, const TlsAsk& ask) const {
  TlsFacts failed;
  failed.result = TlsFacts::Result::fault;
  failed.detail = kNoTime;
  if (run_.left_ms() < kLeastTime.count()) return failed;
  ConnectFacts connected;
  Socket socket = connect_to(place.address, place.port, run_.within(limits_.connect), connected);
  failed.detail = connected.detail;
  if (!socket.valid()) return failed;
  Stream stream(std::move(socket));
  return stream.secure(ask, run_.within(limits_.tls));
}

std::string Prober::request_of(const Place& place, const HttpAsk& ask, std::string& key) const {
  std::string out = fmt::format("GET {}{}{} HTTP/1.1\r\nHost: {}\r\n", ask.path.empty() ? "/" : ask.path,
      ask.query.empty() ? "" : "?", ask.query, place.authority);
  out += "User-Agent: foyer-doctor\r\nAccept: */*\r\n";
  if (ask.upgrade) {
    std::array<std::byte, 16> random{};
    entropy_.fill(random);
    key = base64_encode({reinterpret_cast<const char*>(random.data()), random.size()});
    out += fmt::format("Connection: Upgrade\r\nUpgrade: {}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
        ask.upgrade_word, key);
  } else {
    out += "Connection: close\r\n";
  }
  if (ask.origin) out += fmt::format("Origin: {}\r\n", *ask.origin);
  if (!ask.token.empty()) out += fmt::format("Authorization: Bearer {}\r\n", ask.token);
  if (!ask.subprotocols.empty())
    out += fmt::format("Sec-WebSocket-Protocol: {}\r\n", fmt::join(ask.subprotocols, ", "));
  if (ask.deflate)
    out += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"; // as Chromium does
  return out + "\r\n";
}

// Reads the head; then the body, unless it is a 101. What follows a 101 goes into `behind`.
void Prober::read_answer(Stream& stream, Exchange& exchange, std::string& behind) const {
  const Deadline deadline = run_.within(limits_.answer);
  const Stopwatch watch(deadline.clock());
  std::string bytes;
  std::size_t head = 0;
  while (head == 0 && may_be_http(bytes) && bytes.size() < kMostHeadBytes) {
    exchange.ending = stream.read(bytes, deadline);
    if (exchange.first_byte.count() == 0 && !bytes.empty()) exchange.first_byte = watch.elapsed();
    if (exchange.ending != Ending::open) break;
    head = head_size(bytes);
  }
  exchange.bytes = bytes.substr(0, kKeptBytes);
  exchange.alert = stream.alert();
  exchange.fault = stream.fault();
  if (head == 0 || !read_head(std::string_view(bytes).substr(0, head), exchange)) return;
  behind = bytes.substr(head);
  if (exchange.status == 101) return;
  const Deadline patience = run_.within(limits_.body);
  Ending ending = Ending::open;
  while (ending == Ending::open && !body_complete(exchange, behind)) ending = stream.read(behind, patience);
  exchange.body = body_text(exchange, behind);
}

Prober::Opened Prober::open(const Place& place, const HttpAsk& ask) const {
  Opened out{begun(ask), std::nullopt, {}};
  Exchange& exchange = out.exchange;
  const Stopwatch watch(run_.clock());
  if (run_.left_ms() < kLeastTime.count()) {
    exchange.ending = Ending::fault;
    exchange.fault = kNoTime;
    return out;
  }
  ConnectFacts connected;
  Socket socket = connect_to(place.address, place.port, run_.within(limits_.connect), connected);
  if (!socket.valid()) {
    exchange.ending = connected.result == ConnectFacts::Result::fault ? Ending::fault : Ending::no_link;
    exchange.fault = connected.detail;
    return out;
  }
  Stream stream(std::move(socket));
  if (place.tls) {
    const TlsFacts tls = stream.secure({.name = place.name, .ca_file = place.ca_file}, run_.within(limits_.tls));
    if (tls.result != TlsFacts::Result::done) {
      exchange.ending = tls.result == TlsFacts::Result::fault ? Ending::fault : Ending::no_link;
      exchange.alert = tls.alert;
      exchange.fault = tls.detail;
      return out;
    }
  }
  std::string key;
  const std::string request = request_of(place, ask, key);
  exchange.sent_bytes = request.size();
  // A peer that has ended already may have said why: the answer is read whatever became of the request.
  (void)stream.write(request, run_.within(limits_.answer));
  read_answer(stream, exchange, out.behind);
  exchange.took = watch.elapsed();
  const std::string* accept = exchange.headers.find("Sec-WebSocket-Accept");
  exchange.accept_right = ask.upgrade && accept != nullptr && *accept == wire::accept_key(key);
  if (exchange.is_http && exchange.status == 101) out.stream = std::move(stream);
  return out;
}

Exchange Prober::exchange(const Place& place, const HttpAsk& ask) const { return open(place, ask).exchange; }

Upgraded Prober::talk(
    const Place& place, const HttpAsk& ask, const TalkAsk& talk, std::optional<Exchange>* beside) const {
  Opened opened = open(place, ask);
  Upgraded out{std::move(opened.exchange), std::nullopt};
  if (!opened.stream) return out;
  if (beside != nullptr) *beside = exchange(place, ask);
  Conversation conversation(*opened.stream, entropy_, run_, limits_, out.exchange);
  out.talk = conversation.hold(talk, opened.behind);
  return out;
}

} // namespace foyer::doctor
