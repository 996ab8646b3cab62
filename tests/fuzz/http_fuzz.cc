// HTTP requests, one after the other on a connection. The first byte says how the
// stream is cut; nothing may depend on it.
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "fuzz.h"
#include "wire/http_parser.h"

using namespace foyer;
using namespace foyer::wire;

namespace {

using State = HttpParser::State;

constexpr HttpLimits kLimits{.header_bytes = 2048, .header_count = 16, .body_bytes = 512};
constexpr HttpLimits kWide{.header_bytes = 8192, .header_count = 20, .body_bytes = 512};

bool same(const Headers& a, const Headers& b) {
  return std::ranges::equal(
      a.list(), b.list(), [](const Header& x, const Header& y) { return x.name == y.name && x.value == y.value; });
}

struct Read {
  Request request;
  bool keep_alive = false;
};
struct Stream {
  std::vector<Read> requests;
  State state = State::head;
  Refusal refusal = {};
  std::size_t end = 0; // of the last whole request
};

Stream read(std::string_view input, std::size_t step, const HttpLimits& limits) {
  Stream out;
  HttpParser parser(limits);
  std::size_t at = 0;
  while (at < input.size()) {
    const std::string_view piece = input.substr(at, step);
    const std::size_t taken = parser.feed(piece);
    invariant(taken <= piece.size(), "a parser takes no more than it is given");
    at += taken;
    if (parser.state() == State::failed) break;
    if (parser.state() == State::complete) {
      out.requests.push_back({parser.request(), parser.keep_alive()});
      out.end = at;
      invariant(parser.feed("x") == 0, "a parser takes nothing behind a request");
      if (!parser.keep_alive()) break;
      parser.reset();
      continue;
    }
    invariant(taken == piece.size(), "a parser takes all until a request is whole");
  }
  out.state = parser.state();
  if (out.state == State::failed) {
    out.refusal = parser.refusal();
    invariant(
        parser.feed("GET / HTTP/1.1\r\n") == 0 || parser.state() == State::failed, "a parser that failed stays so");
  }
  return out;
}

void check(const Request& request) {
  invariant(request.body.size() <= kLimits.body_bytes, "a body is within its limit");
  invariant(request.headers.list().size() <= kLimits.header_count + 1, "headers are within their limit");
  invariant(request.headers.count("host") <= 1 && request.headers.count("content-length") <= 1 &&
          request.headers.count("transfer-encoding") <= 1,
      "what must be single is single");
  invariant(request.headers.count("content-length") == 0 || request.headers.count("transfer-encoding") == 0,
      "a body has one length");
  invariant(request.path.starts_with('/') || request.path == "*", "a path begins with a slash");
  invariant(is_token(request.method), "a method is a token");
  std::size_t bytes = 0;
  for (const Header& header : request.headers.list()) {
    invariant(is_token(header.name), "a header has a name");
    invariant(
        header.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos, "no value holds a line end");
    invariant(trim_blanks(header.value) == header.value, "a value has no blanks around it");
    bytes += header.name.size() + header.value.size();
  }
  invariant(bytes <= kLimits.header_bytes, "headers are within their limit of bytes");
  for (const char c : request.path + request.query) invariant(c > ' ' && c < 0x7f, "a target is visible ASCII");
}

// The request as we would write it; a proxy before us reads the same.
std::string write(const Request& request) {
  std::string out = request.method + ' ' + request.path + (request.query.empty() ? "" : "?" + request.query) +
      " HTTP/1." + std::to_string(request.version_minor) + "\r\n";
  bool length = false;
  for (const Header& header : request.headers.list()) {
    if (iequals(header.name, "transfer-encoding") || iequals(header.name, "expect")) continue;
    length = length || iequals(header.name, "content-length");
    out += header.name + ": " + header.value + "\r\n";
  }
  if (!length && !request.body.empty()) out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return out + "\r\n" + request.body;
}

void check_round_trip(const Read& read_first) {
  const Request& request = read_first.request;
  const std::string text = write(request);
  const Stream again = read(text, text.size(), kWide);
  invariant(again.requests.size() == 1 && again.end == text.size(), "a request that is written again is one request");
  const Request& b = again.requests[0].request;
  invariant(request.method == b.method && request.path == b.path && request.query == b.query && request.body == b.body,
      "a request that is written again is the same");
  invariant(read_first.keep_alive == again.requests[0].keep_alive, "and keeps the connection as before");
  for (const Header& header : request.headers.list()) {
    if (iequals(header.name, "transfer-encoding") || iequals(header.name, "expect")) continue;
    invariant(request.headers.joined(header.name) == b.headers.joined(header.name), "and has the same headers");
  }
}

} // namespace

FUZZER(http) {
  fuzz::Bytes bytes(input);
  const std::size_t step = 1U + bytes.byte() % 32U;
  const std::string_view stream = bytes.rest();
  const Stream whole = read(stream, stream.size() + 1, kLimits);
  const Stream cut = read(stream, step, kLimits);
  invariant(whole.state == cut.state, "the outcome does not depend on the cuts");
  invariant(whole.requests.size() == cut.requests.size() && whole.end == cut.end,
      "requests end at the same bytes however they are cut");
  if (whole.state == State::failed) {
    invariant(whole.refusal.cause == cut.refusal.cause, "the cause does not depend on the cuts");
    invariant(whole.refusal.field == cut.refusal.field, "the field at fault does not depend on the cuts");
    invariant(whole.refusal.evidence == cut.refusal.evidence, "the evidence does not depend on the cuts");
    invariant(!whole.refusal.evidence.empty() && is_utf8(whole.refusal.evidence), "a refusal says why");
  }
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    const Request& a = whole.requests[i].request;
    const Request& b = cut.requests[i].request;
    invariant(a.method == b.method && a.path == b.path && a.query == b.query && a.body == b.body &&
            a.version_minor == b.version_minor,
        "a request does not depend on the cuts");
    invariant(same(a.headers, b.headers), "the headers do not depend on the cuts");
    invariant(whole.requests[i].keep_alive == cut.requests[i].keep_alive,
        "keeping the connection does not depend on the cuts");
    check(a);
    check_round_trip(whole.requests[i]);
  }
}
