#include "redis/server_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foyer::redis {
namespace {

// "host port db user password", tls as a star.
std::string read(std::string_view text) {
  const auto url = parse_server_url(text);
  if (!url) return "refused: " + url.error().evidence;
  return url->host + " " + std::to_string(url->port) + " " + std::to_string(url->db) + " " + url->user + " " +
      url->password + (url->tls ? " *" : "");
}

TEST(ServerUrl, IsReadWithItsDefaults) {
  EXPECT_EQ(read("redis://bus"), "bus 6379 0  ");
  EXPECT_EQ(read("redis://BUS.example:7000/3"), "bus.example 7000 3  ");
  EXPECT_EQ(read("rediss://bus/"), "bus 6379 0   *");
  EXPECT_EQ(read("redis://127.0.0.1:80"), "127.0.0.1 80 0  ");
  EXPECT_EQ(read("redis://[::1]"), "::1 6379 0  ");
  EXPECT_EQ(read("redis://[2001:db8::7]:6380/15"), "2001:db8::7 6380 15  ");
}

TEST(ServerUrl, HasAUserAndAPasswordThatArePercentEncoded) {
  EXPECT_EQ(read("redis://ann:secret@bus"), "bus 6379 0 ann secret");
  EXPECT_EQ(read("redis://:secret@bus/1"), "bus 6379 1  secret");
  EXPECT_EQ(read("redis://a%3An:p%40%2f%25:@[::1]:1"), "::1 1 0 a:n p@/%:");
  EXPECT_EQ(read("redis://a:b@c@bus"), "bus 6379 0 a b@c");
}

TEST(ServerUrl, IsRefusedWithTheReason) {
  using testing::HasSubstr;
  EXPECT_THAT(read(""), HasSubstr("neither with redis://"));
  EXPECT_THAT(read("http://bus"), HasSubstr("neither with redis://"));
  EXPECT_THAT(read("redis://"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis:///1"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis://:6379"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis://bus:0"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis://bus:65536"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis://::1"), HasSubstr("the host is not"));
  EXPECT_THAT(read("redis://a_b-c.example/x"), HasSubstr("number of a database"));
  EXPECT_THAT(read("redis://bus/01"), HasSubstr("number of a database"));
  EXPECT_THAT(read("redis://bus/1000001"), HasSubstr("number of a database"));
  EXPECT_THAT(read("redis://bus/-1"), HasSubstr("number of a database"));
  EXPECT_THAT(read("redis://bus?db=1"), HasSubstr("query"));
  EXPECT_THAT(read("redis://bus/1#x"), HasSubstr("query or a fragment"));
  EXPECT_THAT(read("redis://ann@bus"), HasSubstr("no colon before the @"));
  EXPECT_THAT(read("redis://ann:@bus"), HasSubstr("password is empty"));
  EXPECT_THAT(read("redis://ann:%4@bus"), HasSubstr("%25"));
  EXPECT_THAT(read("redis://ann:se/cret@bus"), HasSubstr("%2F"));
  EXPECT_THAT(read("redis://bus \n"), HasSubstr("control character"));
  EXPECT_THAT(read("redis://" + std::string(kMostUrlBytes, 'a')), HasSubstr("longer"));
}

TEST(ServerUrl, NeverShowsWhatMayBeASecret) {
  EXPECT_EQ(parse_server_url("rediss://ann:s3cr3t@[::1]:7/2")->shown(), "rediss://[::1]:7/2");
  EXPECT_EQ(parse_server_url("redis://bus")->shown(), "redis://bus:6379/0");
  for (const char* wrong : {"redis://ann:s3cr3t", "redis://s3cr3t@bus", "redis://ann:s3cr3t/@bus", "redis://bus/s3cr3t",
           "redis://:s3cr3t%@bus", "s3cr3t", "redis://ann:x@s3cr3t:s3cr3t", "redis://a:b@[s3cr3t]"})
    EXPECT_THAT(read(wrong), testing::AllOf(testing::StartsWith("refused"), testing::Not(testing::HasSubstr("s3cr3t"))))
        << wrong;
}

} // namespace
} // namespace foyer::redis
