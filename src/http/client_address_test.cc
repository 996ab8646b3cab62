#include "http/client_address.h"

#include <gtest/gtest.h>

using namespace foyer;
using namespace foyer::http;

namespace {

ProxyTrust networks(std::initializer_list<const char*> list, std::string header = "X-Forwarded-For") {
  ProxyTrust result{.networks = {}, .header = std::move(header)};
  for (const auto* text : list) result.networks.push_back(*Network::parse(text));
  return result;
}

TEST(Network, ContainsByPrefixInBothFamilies) {
  EXPECT_TRUE(Network::parse("10.0.0.0/8")->contains("10.200.3.4"));
  EXPECT_FALSE(Network::parse("10.0.0.0/8")->contains("11.0.0.1"));
  EXPECT_TRUE(Network::parse("192.168.4.0/22")->contains("192.168.7.255"));
  EXPECT_FALSE(Network::parse("192.168.4.0/22")->contains("192.168.8.0"));
  EXPECT_TRUE(Network::parse("fd00::/8")->contains("fd12::1"));
  EXPECT_TRUE(Network::parse("127.0.0.1")->contains("127.0.0.1"));
  EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains("8.8.8.8"));
  EXPECT_FALSE(Network::parse("0.0.0.0/0")->contains("2001:db8::1"));
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/x", "10.0.0/8", "host", "::/129", "10.0.0.0/-0", "::/+1"})
    EXPECT_FALSE(Network::parse(bad)) << bad;
}

TEST(ClientAddress, IsThePeerUnlessThePeerIsATrustedProxy) {
  Request request;
  request.headers.add("X-Forwarded-For", "203.0.113.9");
  request.headers.add("X-Forwarded-Proto", "https");
  auto client = client_address(networks({}), "192.0.2.1", false, request);
  EXPECT_EQ(client.address, "192.0.2.1");
  EXPECT_FALSE(client.secure);
  EXPECT_TRUE(client.ignored_forwarding);
  client = client_address(networks({"192.0.2.0/24"}), "192.0.2.1", false, request);
  EXPECT_EQ(client.address, "203.0.113.9");
  EXPECT_TRUE(client.secure);
  EXPECT_FALSE(client.ignored_forwarding);
}

TEST(ClientAddress, IsTheRightmostThatIsNotTrustedWhateverTheClientWroteBeforeIt) {
  Request request;
  request.headers.add("X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.7");
  EXPECT_EQ(client_address(networks({"127.0.0.1", "10.0.0.0/8"}), "127.0.0.1", false, request).address, "203.0.113.9");
  Request forwarded;
  forwarded.headers.add("Forwarded", "for=6.6.6.6;proto=http, for=\"[2001:db8::7]:4711\";proto=https");
  const auto client = client_address(networks({"127.0.0.1"}, "forwarded"), "127.0.0.1", false, forwarded);
  EXPECT_EQ(client.address, "2001:db8::7");
  EXPECT_TRUE(client.secure);
}

TEST(ClientAddress, IsWhatTheProxyAddedHoweverManyTheClientWroteBeforeIt) {
  for (const auto& [name, hop] : {std::pair{"X-Forwarded-For", std::string("6.6.6.6")},
           std::pair{"Forwarded", std::string("for=6.6.6.6;proto=https")}}) {
    for (const int many : {19, 20, 21, 500}) {
      std::string list;
      for (int i = 0; i < many; ++i) list += hop + ", ";
      Request request;
      request.headers.add(name, list + (hop.starts_with("for") ? "for=203.0.113.9" : "203.0.113.9"));
      const auto client = client_address(networks({"127.0.0.1"}, name), "127.0.0.1", false, request);
      EXPECT_EQ(client.address, "203.0.113.9") << name << " " << many;
      EXPECT_FALSE(client.secure);
    }
  }
}

TEST(ClientAddress, IsWhatTheProxySaysWhateverOtherHeaderTheClientSends) {
  Request request;
  request.headers.add("Forwarded", "for=6.6.6.6;proto=https"); // the client's, passed on
  request.headers.add("X-Real-IP", "6.6.6.7");
  request.headers.add("X-Forwarded-For", "203.0.113.9"); // the proxy's
  auto client = client_address(networks({"127.0.0.1"}), "127.0.0.1", false, request);
  EXPECT_EQ(client.address, "203.0.113.9");
  EXPECT_FALSE(client.secure) << "proto was written by the client";
  EXPECT_EQ(client.other_header, "");
  client = client_address(networks({"127.0.0.1"}, "Forwarded"), "127.0.0.1", false, request);
  EXPECT_EQ(client.address, "6.6.6.6") << "where the proxy sets Forwarded";
  EXPECT_TRUE(client.secure);
  EXPECT_EQ(client_address(networks({"127.0.0.1"}, "x-real-ip"), "127.0.0.1", false, request).address, "6.6.6.7");
}

TEST(ClientAddress, IsTheProxysWhereOnlyOtherHeadersCameAndThatIsSaid) {
  Request request;
  request.headers.add("Forwarded", "for=6.6.6.6;proto=https");
  auto client = client_address(networks({"127.0.0.1"}), "127.0.0.1", false, request);
  EXPECT_EQ(client.address, "127.0.0.1");
  EXPECT_FALSE(client.secure);
  EXPECT_EQ(client.other_header, "Forwarded");
  request.headers.list().clear();
  request.headers.add("X-Forwarded-Proto", "https");
  client = client_address(networks({"127.0.0.1"}), "127.0.0.1", false, request);
  EXPECT_TRUE(client.secure) << "a proxy on the same machine may send no more than this";
  EXPECT_EQ(client.other_header, "");
}

TEST(ClientAddress, StopsAtAHopThatIsNoAddress) {
  Request request;
  request.headers.add("X-Forwarded-For", "203.0.113.9, unknown, 10.0.0.7");
  EXPECT_EQ(client_address(networks({"127.0.0.1", "10.0.0.0/8"}), "127.0.0.1", false, request).address, "10.0.0.7");
}

} // namespace
