// Whose address a request came from. The first line is the other end of the socket,
// each line after it a header. Whatever a client writes into forwarding headers, it
// cannot choose the address that a trusted proxy added behind it.
#include <arpa/inet.h>

#include <array>
#include <string>

#include "fuzz.h"
#include "gateway/client_address.h"

using namespace foyer;
using namespace foyer::gateway;

namespace {

const std::vector<Network>& trusted() {
  static const std::vector<Network> networks{*Network::parse("10.0.0.0/8"), *Network::parse("::1"), *Network::parse("fd00::/8")};
  return networks;
}

bool is_trusted(std::string_view address) {
  return std::ranges::any_of(trusted(), [&](const Network& network) { return network.contains(address); });
}

bool is_address(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

} // namespace

FUZZER(address) {
  fuzz::Bytes bytes(input);
  const std::string peer(bytes.line());
  Request request;
  bool forwarded = false;
  while (!bytes.empty()) {
    const std::string_view line = bytes.line();
    const auto colon = std::min(line.find(':'), line.size());
    std::string name(line.substr(0, colon));
    forwarded = forwarded || iequals(name, "Forwarded") || iequals(name, "X-Forwarded-For") || iequals(name, "X-Forwarded-Proto");
    request.headers.add(std::move(name), std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  const ClientAddress client = client_address(trusted(), peer, false, request);
  invariant(client.ignored_forwarding == (forwarded && !is_trusted(peer)), "headers of strangers are ignored, and that is told");
  if (client.ignored_forwarding || !forwarded) invariant(client.address == peer && !client.secure, "then the other end is the client");
  invariant(client.address == peer || is_address(client.address), "a client has an address");

  // The proxy adds who spoke to it, after all that was said before.
  const std::string seen = "203.0.113.9";
  for (const bool standard : {true, false}) {
    Request passed = request;
    if (standard) passed.headers.add("Forwarded", "for=" + seen + ";proto=https");
    else passed.headers.add("X-Forwarded-For", seen);
    // Where the client's own header of the other kind says something else, it is the proxy's.
    const std::string address = client_address(trusted(), "10.1.2.3", false, passed).address;
    const bool both = passed.headers.find("Forwarded") != nullptr && passed.headers.find("X-Forwarded-For") != nullptr;
    invariant(address == seen || (both && address == "10.1.2.3"), "a client cannot choose its address");
  }
}
