#include "base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace foyer {

namespace {
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  return bytes.back() == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::uint32_t IpAddress::v4() const {
  return std::uint32_t{bytes[12]} << 24 | std::uint32_t{bytes[13]} << 16 | std::uint32_t{bytes[14]} << 8 | bytes[15];
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = 0;
  IpAddress out;
  std::copy(kMapped.begin(), kMapped.end(), out.bytes.begin());
  out.written_as_v4 = inet_pton(AF_INET, terminated, out.bytes.data() + kMapped.size()) == 1;
  if (out.written_as_v4 || inet_pton(AF_INET6, terminated, out.bytes.data()) == 1) return out;
  return std::nullopt;
}

std::string network_of(std::string_view address) {
  auto ip = parse_ip(address);
  if (!ip) return std::string{address};
  if (ip->is_v4())
    return std::to_string(ip->bytes[12]) + '.' + std::to_string(ip->bytes[13]) + '.' + std::to_string(ip->bytes[14]) +
        ".0/24";
  std::fill(ip->bytes.begin() + 6, ip->bytes.end(), std::uint8_t{0});
  char text[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, ip->bytes.data(), text, sizeof text);
  return std::string{text} + "/48";
}

} // namespace foyer
