#include "wire/proxy_protocol.h"

#include <gtest/gtest.h>

#include "wire/http_parser.h"

namespace foyer::wire {
namespace {

using State = ProxyHeader::State;

struct Read {
  State state = State::reading;
  std::string address;
  bool secure = false;
  std::string rest;
  std::string what;
  friend bool operator==(const Read&, const Read&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Read& r) {
    return out << static_cast<int>(r.state) << " '" << r.address << "' " << r.secure << " rest '" << r.rest << "' "
               << r.what;
  }
};

Read read(std::string_view input, std::size_t step) {
  ProxyHeader header;
  Read out;
  std::size_t at = 0;
  while (at < input.size() && out.state == State::reading) {
    std::string_view piece = input.substr(at, step);
    const std::size_t before = piece.size();
    out.state = header.feed(piece);
    at += before - piece.size();
  }
  out.address = header.address();
  out.secure = header.secure();
  out.what = header.what();
  if (out.state != State::failed)
    out.rest = (out.state == State::absent ? header.taken() : "") + std::string{input.substr(at)};
  return out;
}

Read read(const std::string& input) {
  const Read whole = read(input, input.size() + 1);
  for (const std::size_t step : {1U, 2U, 5U, 13U}) EXPECT_EQ(read(input, step), whole) << "in pieces of " << step;
  return whole;
}

std::string block(std::uint8_t command, std::uint8_t family, const std::string& body) {
  std::string out{"\r\n\r\n\0\r\nQUIT\n", 12};
  out += static_cast<char>(command);
  out += static_cast<char>(family);
  out += static_cast<char>(body.size() >> 8U);
  out += static_cast<char>(body.size() & 255U);
  return out + body;
}
const std::string kV4{"\xc0\x00\x02\x07\x0a\x00\x00\x01\x30\x39\x01\xbb", 12};
std::string ssl_extension(char client) { return std::string{"\x20\x00\x05", 3} + client + std::string(4, '\0'); }

TEST(ProxyProtocol, VersionOneSaysWhoTheClientIs) {
  EXPECT_EQ(
      read("PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\nGET /"), (Read{State::done, "192.0.2.7", false, "GET /", ""}));
  EXPECT_EQ(read("PROXY TCP6 2001:db8::7 ::1 12345 443\r\n"), (Read{State::done, "2001:db8::7", false, "", ""}));
  EXPECT_EQ(read("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n").address, "192.0.2.7");
  EXPECT_EQ(read("PROXY UNKNOWN\r\nx"), (Read{State::done, "", false, "x", ""}));
  EXPECT_EQ(read("PROXY UNKNOWN ffff::1 whatever\r\n").state, State::done);
}

TEST(ProxyProtocol, VersionTwoSaysWhoTheClientIsAndWhetherItSpokeTls) {
  EXPECT_EQ(read(block(0x21, 0x11, kV4) + "GET /"), (Read{State::done, "192.0.2.7", false, "GET /", ""}));
  const std::string v6 = std::string{"\x20\x01\x0d\xb8", 4} + std::string(11, '\0') + '\x07' + std::string(16, '\0') +
      std::string(4, '\1');
  EXPECT_EQ(read(block(0x21, 0x21, v6)).address, "2001:db8::7");
  EXPECT_EQ(read(block(0x20, 0x00, "")), (Read{State::done, "", false, "", ""}))
      << "LOCAL: a health check of the proxy itself";
  EXPECT_EQ(read(block(0x20, 0x11, kV4)).address, "") << "its contents are ignored";
  EXPECT_EQ(read(block(0x21, 0x00, "anything")).address, "");
  EXPECT_EQ(read(block(0x21, 0x31, std::string(216, '\0'))).address, "");
  EXPECT_TRUE(read(block(0x21, 0x11, kV4 + ssl_extension(1))).secure);
  EXPECT_FALSE(read(block(0x21, 0x11, kV4 + ssl_extension(0))).secure);
}

TEST(ProxyProtocol, WhatDoesNotBeginLikeOneIsGivenBackWhole) {
  for (const std::string input :
      {"GET / HTTP/1.1\r\n", "PROXX TCP4", "POST / HTTP/1.1\r\n", "\r\nGET / HTTP/1.1\r\n", "\x16\x03\x01"})
    EXPECT_EQ(read(input), (Read{State::absent, "", false, input, ""}));
  EXPECT_EQ(proxy_mark("P"), ProxyMark::partly);
  EXPECT_EQ(proxy_mark(""), ProxyMark::partly);
  EXPECT_EQ(proxy_mark("PROXY "), ProxyMark::present);
}

TEST(ProxyProtocol, AHeaderWithAFaultIsRefused) {
  const std::string long_line = "PROXY UNKNOWN " + std::string(100, 'x') + "\r\n";
  for (const std::string& input :
      {std::string{"PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n"}, std::string{"PROXY TCP4 192.0.2.7 10.0.0.1 012 443\r\n"},
          std::string{"PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n"}, std::string{"PROXY TCP4 2001:db8::7 ::1 1 2\r\n"},
          std::string{"PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n"}, std::string{"PROXY TCP4 192.0.2.7  10.0.0.1 1 2\r\n"},
          std::string{"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n"}, std::string{"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n"},
          std::string{"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n"}, long_line})
    EXPECT_EQ(read(input).state, State::failed) << input;
  EXPECT_EQ(read(block(0x11, 0x11, kV4)).state, State::failed) << "version 1 in a block of version 2";
  EXPECT_EQ(read(block(0x22, 0x11, kV4)).state, State::failed) << "an unknown command";
  EXPECT_EQ(read(block(0x21, 0x12, kV4)).state, State::failed) << "UDP";
  EXPECT_EQ(read(block(0x21, 0x11, kV4.substr(0, 11))).state, State::failed) << "shorter than its addresses";
  EXPECT_EQ(read(block(0x21, 0x11, kV4 + std::string{"\x04\x00\x05x", 4})).state, State::failed)
      << "an extension that is cut off";
  EXPECT_EQ(read(block(0x21, 0x11, kV4 + std::string(kProxyHeaderBytes, '\0'))).state, State::failed)
      << "longer than the limit";
}

TEST(ProxyProtocol, WhereNoneIsExpectedItIsNamed) {
  const HttpLimits limits;
  for (const std::string& input : {std::string{"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n"},
           std::string{"PROXY UNKNOWN\r\n"}, block(0x21, 0x11, kV4), block(0x20, 0, "")}) {
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
      HttpParser parser(limits);
      const std::string_view view = input;
      if (parser.feed(view.substr(0, cut)) == cut) parser.feed(view.substr(cut));
      ASSERT_EQ(parser.state(), HttpParser::State::failed) << cut;
      EXPECT_EQ(parser.refusal().cause, Cause::PROXY_PROTOCOL_UNEXPECTED);
    }
  }
  for (const std::string input : {"\r\n\r\nGET / HTTP/1.1\r\n", "PROXY / HTTP/1.2x\r\n", "\r\n\r\n\r\n"}) {
    HttpParser parser(limits);
    parser.feed(input);
    ASSERT_EQ(parser.state(), HttpParser::State::failed) << input;
    EXPECT_EQ(parser.refusal().cause, Cause::BAD_REQUEST);
  }
}

} // namespace
} // namespace foyer::wire
