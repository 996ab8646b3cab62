// HTTP answers. The first byte says how they are cut and whether they belong to HEAD.
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "fuzz.h"
#include "wire/http_parser.h"
#include "wire/http_response.h"

using namespace foyer;
using namespace foyer::wire;

namespace {

using State = HttpResponseParser::State;
constexpr ResponseLimits kLimits{.head_bytes = 2048, .body_bytes = 512};

std::size_t feed(HttpResponseParser& parser, std::string_view input, std::size_t step) {
  std::size_t at = 0;
  while (at < input.size() && parser.state() != State::complete && parser.state() != State::failed) {
    const std::string_view piece = input.substr(at, step);
    const std::size_t taken = parser.feed(piece);
    invariant(taken <= piece.size(), "a parser takes no more than it is given");
    invariant(taken == piece.size() || parser.state() == State::complete || parser.state() == State::failed,
        "a parser takes all until an answer is whole");
    at += taken;
  }
  return at;
}

bool same(const Headers& a, const Headers& b) {
  return std::ranges::equal(
      a.list(), b.list(), [](const Header& x, const Header& y) { return x.name == y.name && x.value == y.value; });
}

void check_round_trip(const HttpResponseParser& read) {
  auto& first = const_cast<HttpResponseParser&>(read).response();
  if (first.status < 200 || first.status == 204 || first.status == 304) return;
  Response response = first;
  std::erase_if(response.headers.list(), [](const Header& h) {
    return iequals(h.name, "connection") || iequals(h.name, "keep-alive") || iequals(h.name, "upgrade");
  });
  const std::string text = write_response(response, true, "");
  HttpResponseParser again(false, {.head_bytes = 8192, .body_bytes = 512});
  invariant(feed(again, text, text.size()) == text.size() && again.state() == State::complete,
      "an answer that we write is one answer");
  invariant(again.response().status == response.status && again.response().body == response.body,
      "an answer that is written again is the same");
  invariant(again.keep_alive(), "and keeps the connection");
  for (const Header& header : response.headers.list()) {
    if (iequals(header.name, "content-length") || iequals(header.name, "transfer-encoding") ||
        iequals(header.name, "date"))
      continue;
    invariant(again.response().headers.joined(header.name) == response.headers.joined(header.name),
        "and has the same headers");
  }
}

} // namespace

FUZZER(http_response) {
  fuzz::Bytes bytes(input);
  const std::uint8_t how = bytes.byte();
  const bool to_head = (how & 0x80U) != 0;
  const std::size_t step = 1U + how % 32U;
  const std::string_view stream = bytes.rest();
  HttpResponseParser whole(to_head, kLimits);
  HttpResponseParser cut(to_head, kLimits);
  const std::size_t whole_end = feed(whole, stream, stream.size() + 1);
  const std::size_t cut_end = feed(cut, stream, step);
  const bool before_end = whole.state() == State::complete;
  whole.finish();
  cut.finish();
  invariant(whole.state() == cut.state(), "the outcome does not depend on the cuts");
  invariant(whole.error() == cut.error(), "the error does not depend on the cuts");
  invariant(whole.state() == State::complete || whole.state() == State::failed, "an answer ends with its connection");
  if (whole.state() == State::failed) invariant(!whole.error().empty(), "a parser says why it failed");
  if (whole.state() != State::complete) return;
  invariant(!before_end || whole_end == cut_end, "an answer ends at the same byte however it is cut");
  const Response& a = whole.response();
  const Response& b = cut.response();
  invariant(a.status == b.status && a.body == b.body && whole.reason() == cut.reason(),
      "an answer does not depend on the cuts");
  invariant(same(a.headers, b.headers) && whole.keep_alive() == cut.keep_alive(), "nor do its headers");
  invariant(a.status >= 100 && a.status <= 999, "a status has three digits");
  invariant(a.body.size() <= kLimits.body_bytes, "a body is within its limit");
  invariant(!to_head || a.body.empty(), "an answer to HEAD has no body");
  check_round_trip(whole);
}
