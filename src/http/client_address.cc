#include "http/client_address.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/ip_address.h"

namespace foyer::http {
namespace {

constexpr std::size_t kMaxHops = 20;
constexpr std::string_view kProto = "X-Forwarded-Proto";
constexpr std::array<std::string_view, 3> kForwarding = {"Forwarded", "X-Forwarded-For", kProto};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(at);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos || parts.size() > kMaxHops) return parts;
    text.remove_prefix(end + 1);
  }
}

// The last kMaxHops elements of a list header; the others are ignored.
std::string_view last_hops(std::string_view list) {
  std::size_t begin = list.size();
  for (std::size_t n = 0; n < kMaxHops; ++n) {
    const auto comma = begin == 0 ? std::string_view::npos : list.rfind(',', begin - 1);
    if (comma == std::string_view::npos) return list;
    begin = comma;
  }
  return list.substr(begin + 1);
}

// "1.2.3.4", "1.2.3.4:567", "[::1]:567", "\"[::1]\"" → the address alone.
std::string bare_address(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    return std::string(end == std::string_view::npos ? std::string_view{} : text.substr(1, end - 1));
  }
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return std::string(text);
}

struct Hop {
  std::string address;
  std::string proto;
};

// The hops of Forwarded (RFC 7239), from the client (left) to the nearest proxy (right).
std::vector<Hop> forwarded_hops(const Request& request) {
  std::vector<Hop> list;
  const std::string forwarded = request.headers.joined("Forwarded");
  if (forwarded.empty()) return list;
  for (const auto element : split(last_hops(forwarded), ',')) {
    Hop hop;
    for (const auto pair : split(element, ';')) {
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos) continue;
      const auto name = trim(pair.substr(0, equals));
      const auto value = trim(pair.substr(equals + 1));
      if (iequals(name, "for")) hop.address = bare_address(value);
      if (iequals(name, "proto")) hop.proto = std::string(value);
    }
    list.push_back(std::move(hop));
  }
  return list;
}

std::vector<Hop> listed_hops(const Request& request, std::string_view header) {
  std::vector<Hop> list;
  const auto addresses = request.headers.joined(header);
  if (addresses.empty()) return list;
  for (const auto element : split(last_hops(addresses), ',')) list.push_back({bare_address(element), {}});
  // Usually there is one value for the whole chain; several values belong to the rightmost addresses.
  const auto joined = request.headers.joined(kProto);
  const auto protos = joined.empty() ? std::vector<std::string_view>{} : split(last_hops(joined), ',');
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (protos.size() == list.size())
      list[i].proto = std::string(protos[i]);
    else if (!protos.empty())
      list[i].proto = std::string(protos.front());
  }
  return list;
}

bool is_secure(std::string_view proto) { return iequals(proto, "https") || iequals(proto, "wss"); }

// Walks from the nearest proxy outwards, as long as the hops are trusted proxies.
ClientAddress walk(const ProxyTrust& trust, const std::vector<Hop>& hops, ClientAddress client) {
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (!parse_ip(hop->address)) break; // "unknown" or an obfuscated name: stop here
    client.address = hop->address;
    if (!hop->proto.empty()) client.secure = is_secure(hop->proto);
    if (!trust.covers(hop->address)) break;
  }
  return client;
}

} // namespace

Result<Network> Network::parse(std::string_view cidr) {
  const auto slash = cidr.find('/');
  const auto address = parse_ip(cidr.substr(0, slash));
  if (!address) return refuse(Cause::INVALID_VALUE, "not an address: " + printable(cidr));
  Network network;
  network.bytes_ = address->bytes;
  if (slash != std::string_view::npos) {
    const auto digits = cidr.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size() || bits > (address->written_as_v4 ? 32U : 128U))
      return refuse(Cause::INVALID_VALUE, "not a prefix length: " + printable(cidr));
    network.bits_ = static_cast<int>(address->written_as_v4 ? bits + 96 : bits);
  }
  return network;
}

bool Network::contains(std::string_view address) const {
  const auto ip = parse_ip(address);
  if (!ip) return false;
  for (int bit = 0; bit < bits_; bit += 8) {
    const auto index = static_cast<std::size_t>(bit / 8);
    const int left = bits_ - bit;
    const auto mask = static_cast<std::uint8_t>(left >= 8 ? 0xFF : 0xFF << (8 - left));
    if ((ip->bytes[index] & mask) != (bytes_[index] & mask)) return false;
  }
  return true;
}

bool ProxyTrust::covers(std::string_view address) const {
  return std::ranges::any_of(networks, [&](const Network& network) { return network.contains(address); });
}

ClientAddress client_address(const ProxyTrust& trust, std::string_view peer, bool secure, const Request& request) {
  ClientAddress client{.address = std::string(peer), .secure = secure, .ignored_forwarding = false, .other_header = {}};
  const bool named = request.headers.find(trust.header) != nullptr;
  const auto other =
      std::ranges::find_if(kForwarding, [&](std::string_view name) { return request.headers.find(name) != nullptr; });
  if (!named && other == kForwarding.end()) return client;
  if (!trust.covers(peer)) {
    client.ignored_forwarding = true;
    return client;
  }
  if (!named && *other != kProto) client.other_header = *other;
  if (iequals(trust.header, "Forwarded")) return walk(trust, forwarded_hops(request), std::move(client));
  if (const auto* proto = request.headers.find(kProto)) client.secure = is_secure(trim(*proto));
  return walk(trust, listed_hops(request, trust.header), std::move(client));
}

} // namespace foyer::http
