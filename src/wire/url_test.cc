#include "wire/url.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "wire/problem.h"

namespace foyer::wire {
namespace {

TEST(ParseUrl, ReadsTheFourSchemes) {
  const auto url = parse_url("WSS://Chat.Example.org:8443/ws/chat?auth=header");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "wss");
  EXPECT_EQ(url->host, "chat.example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_TRUE(url->port_given);
  EXPECT_EQ(url->path, "/ws/chat");
  EXPECT_EQ(url->query, "auth=header");
  EXPECT_EQ(url->origin(), "wss://chat.example.org:8443");
  EXPECT_EQ(parse_url("http://a")->port, 80);
  EXPECT_EQ(parse_url("ws://a")->path, "");
  EXPECT_EQ(parse_url("https://a?x=1")->query, "x=1");
  EXPECT_EQ(parse_url("https://a:443/")->origin(), "https://a");
  EXPECT_EQ(parse_url("http://[::1]:8000/")->host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:8000/")->origin(), "http://[::1]:8000");
  EXPECT_EQ(parse_url("http://127.0.0.1:8000")->authority(), "127.0.0.1:8000");
  EXPECT_EQ(parse_url("http://auth_service:9000/")->host, "auth_service");
}

TEST(ParseUrl, RefusesAndSaysWhy) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "empty"},
      {"example.org", "scheme"},
      {"ftp://a/", "scheme"},
      {"http:/a", "scheme"},
      {"http://", "host"},
      {"http:///x", "host"},
      {"http://u@a/", "user name"},
      {"http://u:p@a/", "user name"},
      {"http://a:99999/", "99999"},
      {"http://a:0/", "port"},
      {"http://a:/", "port"},
      {"http://a:8x/", "port"},
      {"http://a/#f", "fragment"},
      {"http://a b/", "0x20"},
      {"http://a\n/", "0x0a"},
      {"http://\xc3\xa9/", "0xc3"},
      {"http://a/%zz", "percent"},
      {"http://a..b/", "host name"},
      {"http://-a/", "host name"},
      {"http://127.1/", "host name"},
      {"http://2130706433/", "host name"},
      {"http://1.2.3.4.5/", "host name"},
      {"http://a.0x7f/", "host name"},
      {"http://[::1/", "bracket"},
      {"http://[::zz]/", "IPv6"},
      {"http://[::1]x/", "bracket"},
      {"http://a\\b/", "\\"},
  };
  for (const auto& [text, why] : cases) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().cause, Cause::INVALID_URL);
    EXPECT_NE(url.error().evidence.find(why), std::string::npos) << text << ": " << url.error().evidence;
  }
}

TEST(Hosts, KnowLoopbackAndAddresses) {
  for (const char* host : {"localhost", "LOCALHOST", "a.localhost", "localhost.", "127.0.0.1", "127.9.9.9", "::1",
           "[::1]", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host :
      {"0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "", "128.0.0.1", "::2"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
  for (const char* host : {"1.2.3.4", "::1", "[::1]", "fe80::1"}) EXPECT_TRUE(is_ip_literal(host)) << host;
  for (const char* host : {"a", "1.2.3", "1.2.3.4.5", "[1.2.3.4]", ""}) EXPECT_FALSE(is_ip_literal(host)) << host;
}

json::Object body_of(const Response& response) { return json::parse(response.body)->as_object(); }

TEST(Problem, CarriesTheWholeRefusal) {
  const Refusal refusal{.cause = Cause::BAD_REQUEST, .evidence = "two Hosts", .field = "host"};
  const Response response = problem(refusal, Ref{"r1"}, false);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(*response.headers.find("content-type"), "application/problem+json");
  const json::Object body = body_of(response);
  EXPECT_EQ(json::get_string(body, "type"), "/causes/BAD_REQUEST");
  EXPECT_EQ(json::get_string(body, "title"), "Bad request");
  EXPECT_EQ(json::get_int(body, "status"), 400);
  EXPECT_EQ(json::get_string(body, "detail"), info(Cause::BAD_REQUEST).client);
  EXPECT_EQ(json::get_string(body, "code"), "BAD_REQUEST");
  EXPECT_EQ(json::get_string(body, "step"), "http");
  EXPECT_EQ(json::get_string(body, "ref"), "r1");
  EXPECT_EQ(json::get_string(body, "retry"), "never");
  EXPECT_EQ(json::get_string(body, "field"), "host");
  EXPECT_FALSE(body.contains("retry_after_ms"));
}

TEST(Problem, RevealsTheOperatorsTextOnlyWhenAsked) {
  const Refusal refusal{.cause = Cause::SIGNATURE_INVALID, .evidence = "kid k7"};
  EXPECT_EQ(problem(refusal, Ref{"r"}, false).body.find("k7"), std::string::npos);
  EXPECT_NE(problem(refusal, Ref{"r"}, true).body.find("k7"), std::string::npos);
}

TEST(Problem, AddsTheHeadersThatTheStatusNeeds) {
  EXPECT_EQ(
      *problem({.cause = Cause::NO_TOKEN}, Ref{"r"}, false).headers.find("www-authenticate"), "Bearer realm=\"foyer\"");
  EXPECT_EQ(*problem({.cause = Cause::TOKEN_EXPIRED}, Ref{"r"}, false).headers.find("www-authenticate"),
      "Bearer realm=\"foyer\", error=\"invalid_token\", error_description=\"TOKEN_EXPIRED\"");
  EXPECT_EQ(*problem({.cause = Cause::PERMISSION_DENIED}, Ref{"r"}, false).headers.find("www-authenticate"),
      "Bearer realm=\"foyer\", error=\"insufficient_scope\", error_description=\"PERMISSION_DENIED\"");
  EXPECT_EQ(*problem({.cause = Cause::UPGRADE_MISSING}, Ref{"r"}, false).headers.find("upgrade"), "websocket");
  const Response busy = problem({.cause = Cause::BUSY, .retry_after = Millis{1500}}, Ref{"r"}, false);
  EXPECT_EQ(*busy.headers.find("retry-after"), "2");
  EXPECT_EQ(json::get_int(body_of(busy), "retry_after_ms"), 1500);
  for (const CauseInfo& cause : all_causes()) {
    const Response response = problem({.cause = cause.cause}, Ref{"r"}, false);
    EXPECT_EQ(json::get_int(body_of(response), "status"), response.status);
    EXPECT_EQ(response.headers.find("www-authenticate") != nullptr || response.status != 401, true) << cause.code;
    EXPECT_EQ(response.headers.find("retry-after") != nullptr, cause.retry == Retry::after) << cause.code;
  }
}

} // namespace
} // namespace foyer::wire
