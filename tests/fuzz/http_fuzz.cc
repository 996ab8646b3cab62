// HTTP requests and answers. The first byte says how the rest is cut.
#include <algorithm>
#include <string_view>

#include "invariant.h"
#include "wire/http_parser.h"
#include "wire/http_response.h"

using namespace foyer;
using namespace foyer::wire;

namespace {

constexpr HttpLimits kLimits{.request_line = 512, .header_bytes = 2048, .header_count = 16, .body_bytes = 512};

template <class Parser>
std::size_t feed(Parser& parser, std::string_view input, std::size_t step) {
  std::size_t at = 0;
  while (at < input.size()) {
    const std::size_t size = std::min(step, input.size() - at);
    const std::size_t taken = parser.feed(input.substr(at, size));
    invariant(taken <= size, "a parser takes no more than it is given");
    at += taken;
    if (taken < size) break;
  }
  return at;
}

bool same(const Headers& a, const Headers& b) {
  return std::ranges::equal(a.list(), b.list(), [](const Header& x, const Header& y) { return x.name == y.name && x.value == y.value; });
}

void requests(std::string_view input, std::size_t step) {
  using State = HttpParser::State;
  HttpParser whole(kLimits);
  HttpParser cut(kLimits);
  const std::size_t end = feed(whole, input, input.size() + 1);
  invariant(end == feed(cut, input, step) || whole.state() == State::failed, "a request ends at the same byte however it is cut");
  invariant(whole.state() == cut.state(), "the outcome does not depend on the cuts");
  if (whole.state() == State::failed) {
    invariant(whole.refusal().cause == cut.refusal().cause, "the cause does not depend on the cuts");
    invariant(whole.refusal().field == cut.refusal().field, "the field at fault does not depend on the cuts");
    invariant(whole.refusal().evidence == cut.refusal().evidence, "the evidence does not depend on the cuts");
  }
  if (whole.state() != State::complete) return;
  const Request& a = whole.request();
  const Request& b = cut.request();
  invariant(a.method == b.method && a.path == b.path && a.query == b.query && a.body == b.body, "the request does not depend on the cuts");
  invariant(same(a.headers, b.headers), "the headers do not depend on the cuts");
  invariant(whole.keep_alive() == cut.keep_alive(), "keeping the connection does not depend on the cuts");
  invariant(a.body.size() <= kLimits.body_bytes, "a body is within its limit");
  invariant(a.headers.list().size() <= kLimits.header_count, "headers are within their limit");
  invariant(a.headers.count("host") <= 1 && a.headers.count("content-length") <= 1, "what must be single is single");
  for (const Header& header : a.headers.list()) invariant(header.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos, "no value holds a line end");
}

void answers(std::string_view input, std::size_t step) {
  using State = HttpResponseParser::State;
  HttpResponseParser whole(false, {.head_bytes = 2048, .body_bytes = 512});
  HttpResponseParser cut(false, {.head_bytes = 2048, .body_bytes = 512});
  feed(whole, input, input.size() + 1);
  feed(cut, input, step);
  whole.finish();
  cut.finish();
  invariant(whole.state() == cut.state(), "the outcome of an answer does not depend on the cuts");
  invariant(whole.error() == cut.error(), "the error of an answer does not depend on the cuts");
  if (whole.state() != State::complete) return;
  invariant(whole.response().status == cut.response().status && whole.response().body == cut.response().body, "the answer does not depend on the cuts");
  invariant(whole.response().body.size() <= 512, "an answer's body is within its limit");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = 1U + data[0] % 32U;
  const std::string_view input{reinterpret_cast<const char*>(data + 1), size - 1};
  requests(input, step);
  answers(input, step);
  return 0;
}
