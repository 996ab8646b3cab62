#include "asking/question.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

#include "client/signature.h"

namespace foyer::asking {
namespace {

const Client kAnn{.id = "0000000000000001", .user = UserId{"shop|ann"}, .name = "Ann \"A\""};

std::string begin(std::string_view event) { return fmt::format(R"({{"event":"{}",)", event); }

TEST(Question, HasTheMembersOfCentrifugosProxies) {
  const std::string common =
      R"("client":"0000000000000001","transport":"websocket","protocol":"json","encoding":"json","user":"shop|ann","info":{"name":"Ann \"A\""})";
  EXPECT_EQ(body_of(ConnectQuestion{.client = kAnn}), begin("connect") + common + "}");
  EXPECT_EQ(body_of(RefreshQuestion{.client = kAnn}), begin("refresh") + common + "}");
  EXPECT_EQ(body_of(SubscribeQuestion{.client = kAnn, .room = RoomName{"orders-7"}}),
      begin("subscribe") + common + R"(,"channel":"orders-7"})");
  EXPECT_EQ(body_of(PublishQuestion{.client = kAnn, .room = RoomName{"tea"}, .chat = true, .data = "a\nb"}),
      begin("publish") + common + R"(,"channel":"tea","data":{"message":"a\nb"}})");
  EXPECT_EQ(body_of(PublishQuestion{.client = kAnn, .room = RoomName{"tea"}, .data = "[1]"}),
      begin("publish") + common + R"(,"channel":"tea","data":[1]})");
}

TEST(Question, HasTheMetaOfTheApplication) {
  Client client = kAnn;
  client.kept = std::make_shared<const Kept>(Kept{.meta = R"({"tier":2})"});
  EXPECT_THAT(body_of(ConnectQuestion{.client = client}), testing::HasSubstr(R"(,"meta":{"tier":2}})"));
}

TEST(Question, IsSignedAsWebhooksAreAndPassesHeadersOn) {
  const Kept kept{.headers = {{"Cookie", "a=b"}, {"X-Tenant", "7"}}};
  const std::string names[] = {"x-tenant"};
  const Signed by{.id = "ask_1", .key = std::string(32, 'k'), .now = from_unix_seconds(1'700'000'000)};
  const auth::Call call = request_of("{}", by, "/foyer?x=1", "foyer/1", &kept, names);
  EXPECT_EQ(call.method + " " + call.target, "POST /foyer?x=1");
  EXPECT_EQ(*call.headers.find("webhook-id"), "ask_1");
  EXPECT_EQ(*call.headers.find("webhook-timestamp"), "1700000000");
  EXPECT_EQ(*call.headers.find("webhook-signature"), client::sign({&by.key, 1}, "ask_1", 1'700'000'000, "{}"));
  EXPECT_EQ(*call.headers.find("X-Tenant"), "7");
  EXPECT_EQ(call.headers.find("Cookie"), nullptr) << "another table wants it";
}

TEST(Question, HasHeadersOfItsOwn) {
  EXPECT_TRUE(is_own_header("Content-Type"));
  EXPECT_TRUE(is_own_header("Webhook-Signature"));
  EXPECT_FALSE(is_own_header("Cookie"));
}

} // namespace
} // namespace foyer::asking
