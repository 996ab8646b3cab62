// A PROXY header and what follows it. The first byte says how the stream is cut;
// nothing may depend on it.
#include <arpa/inet.h>

#include <array>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "wire/proxy_protocol.h"

using namespace foyer;
using namespace foyer::wire;

namespace {

using State = ProxyHeader::State;

struct Read {
  ProxyHeader header;
  State state = State::reading;
  std::size_t taken = 0;
};

Read read(std::string_view input, std::size_t step) {
  Read out;
  while (out.taken < input.size() && out.state == State::reading) {
    std::string_view piece = input.substr(out.taken, step);
    const std::size_t before = piece.size();
    out.state = out.header.feed(piece);
    invariant(piece.size() < before, "something is taken of what is given");
    out.taken += before - piece.size();
    invariant(out.state != State::reading || piece.empty(), "all is taken until a header is whole");
  }
  return out;
}

} // namespace

FUZZER(proxy_protocol) {
  fuzz::Bytes bytes(input);
  const std::size_t step = bytes.byte() % 20U + 1U;
  const std::string_view stream = bytes.rest();
  const Read whole = read(stream, stream.size() + 1);
  const Read pieces = read(stream, step);
  invariant(whole.state == pieces.state && whole.taken == pieces.taken &&
          whole.header.address() == pieces.header.address() && whole.header.secure() == pieces.header.secure(),
      "however it is cut");
  invariant(whole.header.taken().size() <= kProxyHeaderBytes, "no more is kept than the longest header");
  if (whole.state == State::absent)
    invariant(stream.starts_with(whole.header.taken()) && whole.header.taken().size() <= 12,
        "what is no header is given back");
  invariant(whole.state != State::failed || !whole.header.what().empty(), "a fault has a name");
  std::array<unsigned char, 16> address{};
  const std::string& text = whole.header.address();
  invariant(text.empty() || inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
          inet_pton(AF_INET6, text.c_str(), address.data()) == 1,
      "an address is one");
}
