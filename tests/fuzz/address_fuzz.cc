// Whose address a request came from. The first line is the other end of the socket,
// each line after it a header. Whatever a client writes into forwarding headers, it
// cannot choose the address that a trusted proxy added behind it.
#include <arpa/inet.h>

#include <array>
#include <string>

#include "fuzz.h"
#include "http/client_address.h"

using namespace foyer;
using namespace foyer::http;

namespace {

const ProxyTrust& trusted() {
  static const ProxyTrust trust{
      .networks = {*Network::parse("10.0.0.0/8"), *Network::parse("::1"), *Network::parse("fd00::/8")}};
  return trust;
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
    forwarded = forwarded || iequals(name, "Forwarded") || iequals(name, "X-Forwarded-For") ||
        iequals(name, "X-Forwarded-Proto");
    request.headers.add(std::move(name), std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  const ClientAddress client = client_address(trusted(), peer, false, request);
  invariant(client.ignored_forwarding == (forwarded && !trusted().covers(peer)),
      "headers of strangers are ignored, and that is told");
  if (client.ignored_forwarding || !forwarded)
    invariant(client.address == peer && !client.secure, "then the other end is the client");
  invariant(client.address == peer || is_address(client.address), "a client has an address");

  // The proxy adds who spoke to it to the header that it sets, after what the client wrote there.
  const std::string seen = "203.0.113.9";
  for (const bool standard : {true, false}) {
    ProxyTrust trust = trusted();
    trust.header = standard ? "Forwarded" : "X-Forwarded-For";
    Request passed = request;
    passed.headers.add(trust.header, standard ? "for=" + seen + ";proto=https" : seen);
    invariant(client_address(trust, "10.1.2.3", false, passed).address == seen, "a client cannot choose its address");
  }
}
