#include "redis/bus_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foyer::redis {
namespace {

using testing::HasSubstr;

// "kind host,host name db user:password sentinel_user:sentinel_password", tls as a star.
std::string read(std::string_view text) {
  const auto url = parse_bus_url(text);
  if (!url) return "refused: " + url.error().evidence;
  std::string out = url->kind == BusUrl::Kind::server ? "server"
      : url->kind == BusUrl::Kind::sentinel           ? "sentinel"
                                                      : "cluster";
  for (const Endpoint& seed : url->seeds) out += " " + seed.shown();
  out += " name=" + url->name + " db=" + std::to_string(url->server.db) + " " + url->server.user + ":" +
      url->server.password;
  return out + " " + url->sentinel_user + ":" + url->sentinel_password + (url->server.tls ? " *" : "");
}

TEST(BusUrl, MayBeAServer) { EXPECT_EQ(read("redis://:x@bus/3"), "server name= db=3 :x :"); }

TEST(BusUrl, NamesSentinelsAndThePrimary) {
  EXPECT_EQ(read("redis+sentinel://a,B.example:7000,[::1]/main"),
      "sentinel a:26379 b.example:7000 [::1]:26379 name=main db=0 : :");
  EXPECT_EQ(read("rediss+sentinel://ann:p%2Fw@a/my.main-1/7"), "sentinel a:26379 name=my.main-1 db=7 ann:p/w : *");
  EXPECT_EQ(read("redis+sentinel://a/main?sentinel_password=p%26w"), "sentinel a:26379 name=main db=0 : :p&w");
  EXPECT_EQ(
      read("redis+sentinel://a/main/2?sentinel_user=u&sentinel_password=p"), "sentinel a:26379 name=main db=2 : u:p");
}

TEST(BusUrl, NamesNodesOfACluster) {
  EXPECT_EQ(read("redis+cluster://a,b:7000"), "cluster a:6379 b:7000 name= db=0 : :");
  EXPECT_EQ(read("rediss+cluster://:x@[::1]:7/"), "cluster [::1]:7 name= db=0 :x : *");
}

TEST(BusUrl, IsRefusedWithTheReason) {
  EXPECT_THAT(read("redis+sentinel://a,b"), HasSubstr("name of the primary"));
  EXPECT_THAT(read("redis+sentinel://a,b/"), HasSubstr("name of the primary"));
  EXPECT_THAT(read("redis+sentinel://a/na me"), HasSubstr("a space"));
  EXPECT_THAT(read("redis+sentinel://a/main%21"), HasSubstr("name of the primary"));
  EXPECT_THAT(read("redis+sentinel://a/main/x"), HasSubstr("number of a database"));
  EXPECT_THAT(read("redis+sentinel://a,,b/main"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis+sentinel://a,b:0/main"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis+sentinel://a,A:26379/main"), HasSubstr("named twice"));
  EXPECT_THAT(read("redis+sentinel://a,/main"), HasSubstr("no host follows the last comma"));
  EXPECT_THAT(read("redis+sentinel"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis+sentinel://a/main?password=x"), HasSubstr("sentinel_password"));
  EXPECT_THAT(read("redis+sentinel://a/main?sentinel_user=x"), HasSubstr("no password"));
  EXPECT_THAT(read("redis+sentinel://a/main#x"), HasSubstr("fragment"));
  EXPECT_THAT(read("redis+cluster://a/1"), HasSubstr("one database"));
  EXPECT_THAT(read("redis+cluster://a?sentinel_password=x"), HasSubstr("one database"));
  std::string many = "redis+cluster://h0";
  for (int i = 1; i <= 16; ++i) many += ",h" + std::to_string(i);
  EXPECT_THAT(read(many), HasSubstr("more than 16"));
}

TEST(BusUrl, NeverShowsWhatMayBeASecret) {
  EXPECT_EQ(parse_bus_url("rediss+sentinel://u:s3cr3t@a,[::1]/main/2?sentinel_password=s3cr3t")->shown(),
      "rediss+sentinel://a:26379,[::1]:26379/main/2");
  EXPECT_EQ(parse_bus_url("redis+cluster://:s3cr3t@a")->shown(), "redis+cluster://a:6379");
  for (const char* wrong :
      {"redis+sentinel://u:s3cr3t", "redis+sentinel://s3cr3t@a/main", "redis+sentinel://a/s3cr3t!",
          "redis+sentinel://a/main?s3cr3t=s3cr3t", "redis+sentinel://a/main/s3cr3t", "redis+cluster://a,s3cr3t:s3cr3t"})
    EXPECT_THAT(read(wrong), testing::AllOf(testing::StartsWith("refused"), testing::Not(HasSubstr("s3cr3t"))))
        << wrong;
}

} // namespace
} // namespace foyer::redis
