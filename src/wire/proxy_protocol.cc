#include "wire/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/ip_address.h"

namespace foyer::wire {
namespace {

constexpr std::string_view kLine = "PROXY ";
constexpr std::string_view kBlock{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kBlockHead = 16; // signature, version and command, family and protocol, length

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
std::size_t number_at(std::string_view bytes, std::size_t at) {
  return std::size_t{byte_at(bytes, at)} << 8U | byte_at(bytes, at + 1);
}

ProxyMark compare(std::string_view bytes, std::string_view mark) {
  const std::size_t both = std::min(bytes.size(), mark.size());
  if (bytes.substr(0, both) != mark.substr(0, both)) return ProxyMark::absent;
  return both == mark.size() ? ProxyMark::present : ProxyMark::partly;
}

// 0 to 65535, without leading zeros.
bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value <= 65'535 &&
      (text.size() == 1 || text.front() != '0');
}

std::string text_of(const std::array<std::uint8_t, 16>& bytes, bool v4) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* from = v4 ? static_cast<const void*>(bytes.data() + 12) : static_cast<const void*>(bytes.data());
  return ::inet_ntop(v4 ? AF_INET : AF_INET6, from, text.data(), text.size()) == nullptr ? std::string{}
                                                                                         : std::string{text.data()};
}

} // namespace

ProxyMark proxy_mark(std::string_view bytes) {
  const auto line = compare(bytes, kLine);
  return line != ProxyMark::absent ? line : compare(bytes, kBlock);
}

ProxyHeader::State ProxyHeader::fail(std::string_view what) {
  what_ = what;
  return State::failed;
}

ProxyHeader::State ProxyHeader::feed(std::string_view& in) {
  while (state_ == State::reading && !in.empty()) {
    // Byte by byte to the end of a line, whose length is unknown; a block states its length.
    const std::size_t count = std::min(in.size(), wanted() - buffer_.size());
    buffer_.append(in.substr(0, count));
    in.remove_prefix(count);
    const auto mark = proxy_mark(buffer_);
    if (mark == ProxyMark::absent)
      state_ = State::absent;
    else if (mark == ProxyMark::present)
      state_ = buffer_.front() == 'P' ? read_line() : read_block();
  }
  return state_;
}

std::size_t ProxyHeader::wanted() const {
  if (buffer_.empty() || buffer_.front() == 'P' || buffer_.size() < kBlock.size()) return buffer_.size() + 1;
  if (buffer_.size() < kBlockHead) return kBlockHead;
  return kBlockHead + number_at(buffer_, 14);
}

// PROXY TCP4 SOURCE DESTINATION PORT PORT CRLF; PROXY UNKNOWN … CRLF
ProxyHeader::State ProxyHeader::read_line() {
  if (!buffer_.ends_with('\n'))
    return buffer_.size() < kProxyLineBytes ? State::reading
                                            : fail("a line of version 1 that is longer than 107 bytes");
  if (!buffer_.ends_with("\r\n")) return fail("a line of version 1 that does not end with CRLF");
  std::string_view rest = std::string_view{buffer_}.substr(kLine.size(), buffer_.size() - kLine.size() - 2);
  std::array<std::string_view, 5> words{};
  std::size_t count = 0;
  for (;;) {
    const auto blank = rest.find(' ');
    if (count < words.size()) words[count] = rest.substr(0, blank);
    ++count;
    if (blank == std::string_view::npos) break;
    rest.remove_prefix(blank + 1);
  }
  if (words[0] == "UNKNOWN") return State::done;
  const bool v4 = words[0] == "TCP4";
  if (!v4 && words[0] != "TCP6") return fail("a line of version 1 that is neither TCP4, TCP6 nor UNKNOWN");
  if (count != words.size()) return fail("a line of version 1 without two addresses and two ports");
  const auto source = parse_ip(words[1]);
  const auto destination = parse_ip(words[2]);
  if (!source || !destination || (words[1].find(':') == std::string_view::npos) != v4 ||
      (words[2].find(':') == std::string_view::npos) != v4)
    return fail("a line of version 1 with an address that is not of its family");
  if (!is_port(words[3]) || !is_port(words[4])) return fail("a line of version 1 with an invalid port");
  address_ = text_of(source->bytes, source->is_v4());
  return State::done;
}

ProxyHeader::State ProxyHeader::read_block() {
  const std::string_view block = buffer_;
  if (block.size() < kBlockHead) return State::reading;
  const std::uint8_t version_and_command = byte_at(block, 12);
  if (version_and_command >> 4U != 2) return fail("a block whose version is not 2");
  const unsigned command = version_and_command & 15U;
  if (command > 1) return fail("a block of version 2 whose command is neither LOCAL nor PROXY");
  const std::size_t length = number_at(block, 14);
  if (kBlockHead + length > kProxyHeaderBytes) return fail("a block of version 2 that is longer than 2048 bytes");
  if (block.size() < kBlockHead + length) return State::reading;
  if (command == 0) return State::done; // LOCAL: its contents are ignored
  const unsigned family = byte_at(block, 13);
  const std::size_t addresses = family == 0x11 ? 12
      : family == 0x21                         ? 36
      : family == 0x31                         ? 216
      : family == 0                            ? 0
                                               : SIZE_MAX;
  if (addresses == SIZE_MAX) return fail("a block of version 2 for something other than a TCP stream");
  if (length < addresses) return fail("a block of version 2 that is shorter than its addresses");
  if (family == 0) return State::done; // UNSPEC: the rest has no known format
  std::array<std::uint8_t, 16> source{};
  const std::size_t width = family == 0x11 ? 4 : 16;
  if (family != 0x31) {
    for (std::size_t i = 0; i < width; ++i) source[16 - width + i] = byte_at(block, kBlockHead + i);
    if (width == 4) source[10] = source[11] = 0xff;
    const IpAddress address{.bytes = source};
    address_ = text_of(source, address.is_v4());
  }
  return read_extensions(block.substr(kBlockHead + addresses));
}

// Type, length, value; only whether the client used TLS matters.
ProxyHeader::State ProxyHeader::read_extensions(std::string_view rest) {
  constexpr std::uint8_t kSsl = 0x20;
  while (!rest.empty()) {
    if (rest.size() < 3 || rest.size() - 3 < number_at(rest, 1))
      return fail("a block of version 2 with an extension that is cut off");
    const std::string_view value = rest.substr(3, number_at(rest, 1));
    if (byte_at(rest, 0) == kSsl) {
      if (value.size() < 5) return fail("a block of version 2 with an extension about TLS that is too short");
      secure_ = (byte_at(value, 0) & 1U) != 0;
    }
    rest.remove_prefix(3 + value.size());
  }
  return State::done;
}

} // namespace foyer::wire
