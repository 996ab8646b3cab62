#include "protocol/foyer_v1/command_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"

using namespace foyer::protocol;

namespace {

struct Reader {
  CommandDecoder decoder;
  std::string bytes;
  std::variant<Command, BadCommand> last;

  const std::variant<Command, BadCommand>& read(std::string_view text) {
    bytes.assign(text);
    bytes.append(64, ' ');
    last = decoder.read(std::string_view(bytes).substr(0, text.size()));
    return last;
  }
  Command good(std::string_view text) {
    read(text);
    if (const auto* bad = std::get_if<BadCommand>(&last)) {
      ADD_FAILURE() << text << " → " << bad->what;
      return {};
    }
    return std::get<Command>(last);
  }
  BadCommand bad(std::string_view text) {
    read(text);
    if (std::holds_alternative<Command>(last)) {
      ADD_FAILURE() << text << " was accepted";
      return {};
    }
    return std::get<BadCommand>(last);
  }
};

TEST(Command, FeaturesAreAListOfNamesOfWhichUnknownOnesAreIgnored) {
  Reader r;
  auto c = r.good(R"({"type":"authenticate","token":"t","features":["changes","x","room_reset"],"max_message":20000})");
  ASSERT_TRUE(c.features);
  EXPECT_TRUE(c.features->has(Feature::changes));
  EXPECT_TRUE(c.features->has(Feature::room_reset));
  EXPECT_FALSE(c.features->has(Feature::pages));
  EXPECT_EQ(c.max_message, 20'000U);
  EXPECT_FALSE(r.good(R"({"type":"authenticate","token":"t"})").features);
  EXPECT_EQ(r.good(R"({"type":"authenticate","token":"t","features":[]})").features, Features{});
  EXPECT_EQ(r.bad(R"({"type":"authenticate","token":"t","features":"changes"})").field, "features");
  EXPECT_EQ(r.bad(R"({"type":"authenticate","token":"t","features":["changes",1]})").field, "features");
  EXPECT_EQ(r.bad(R"({"type":"authenticate","token":"t","max_message":"1"})").field, "max_message");
}

TEST(Command, NoMoreFeaturesAreReadThanTheLimit) {
  Reader r;
  std::string list = R"({"type":"authenticate","token":"t","features":[)";
  for (std::size_t i = 0; i < kMaxFeatures; ++i) list += "\"f" + std::to_string(i) + "\",";
  EXPECT_EQ(r.good(list + "\"changes\"]}").features, Features{});
  std::string query;
  for (std::size_t i = 0; i < kMaxFeatures; ++i) query += "f,";
  EXPECT_EQ(features_of_list(query + "changes"), Features{});
  EXPECT_TRUE(features_of_list("a,changes").has(Feature::changes));
}

TEST(Command, APositionMayNameTheLastChange) {
  Reader r;
  EXPECT_EQ(r.good(R"({"type":"join","room":"tea","since":{"offset":1,"epoch":"e","change":4}})").since->change, 4U);
  EXPECT_FALSE(r.good(R"({"type":"join","room":"tea","since":{"offset":1,"epoch":"e"}})").since->change);
  EXPECT_EQ(r.bad(R"({"type":"join","room":"tea","since":{"offset":1,"epoch":"e","change":"4"}})").field, "since");
}

TEST(Command, APositionMayNameTheTimeOfItsMessageAsTheServerWroteIt) {
  Reader r;
  EXPECT_EQ(r.good(R"({"type":"join","room":"tea","since":{"offset":1,"epoch":"e","time":"2026-01-02T03:04:05.678Z"}})")
                .since->time,
      foyer::from_unix_millis(1'767'323'045'678));
  EXPECT_FALSE(r.good(R"({"type":"join","room":"tea","since":{"offset":1,"epoch":"e"}})").since->time);
  for (const char* time : {"\"\"", "5", "null", "\"2026-01-02T03:04:05Z\"", "\"2026-02-30T03:04:05.678Z\"",
           "\"2026-01-02T24:04:05.678Z\"", "\"2026-01-02T03:04:05.678+\""})
    EXPECT_EQ(r.bad(std::string(R"({"type":"join","room":"tea","since":{"offset":1,"epoch":"e","time":)") + time + "}}")
                  .field,
        "since")
        << time;
}

TEST(Command, APageOfRoomsBeginsAfterANameAndOneOfHistoryAfterAnOffset) {
  Reader r;
  const Command rooms = r.good(R"({"type":"rooms","after":"tea","limit":10})");
  EXPECT_EQ(rooms.after_room, "tea");
  EXPECT_EQ(rooms.limit, 10U);
  EXPECT_EQ(r.good(R"({"type":"rooms"})").after_room, "");
  EXPECT_EQ(r.bad(R"({"type":"rooms","after":5})").field, "after");
  EXPECT_EQ(r.bad(R"({"type":"history","room":"tea","after":"tea"})").field, "after");
}

TEST(Command, APersonIsNamedByIdOrByName) {
  Reader r;
  EXPECT_EQ(r.good(R"({"type":"direct","user":"u"})").user, "u");
  EXPECT_EQ(r.good(R"({"type":"direct","name":"Bob"})").name, "Bob");
  EXPECT_EQ(r.good(R"({"type":"invite","room":"private:x","name":"Bob"})").name, "Bob");
  EXPECT_EQ(r.bad(R"({"type":"direct"})").what, "user or name is missing");
  EXPECT_EQ(r.bad(R"({"type":"direct","user":""})").what, "user is empty");
  EXPECT_EQ(r.bad(R"({"type":"direct","name":""})").what, "name is empty");
  EXPECT_EQ(r.bad(R"({"type":"invite","room":"private:x","user":"u","name":"Bob"})").field, "name");
  EXPECT_EQ(r.bad(R"({"type":"direct","name":")" + std::string(kMaxPersonName + 1, 'x') + "\"}").field, "name");
  EXPECT_EQ(r.good(R"({"type":"accept","room":"private:x"})").type, CommandType::accept);
  EXPECT_EQ(r.good(R"({"type":"decline","room":"private:x"})").type, CommandType::decline);
  EXPECT_EQ(r.good(R"({"type":"invitations"})").type, CommandType::invitations);
  EXPECT_EQ(r.bad(R"({"type":"accept"})").field, "room");
}

TEST(Command, ReadsEveryTypeWithItsMembersInAnyOrder) {
  Reader r;
  EXPECT_EQ(r.good(R"({"type":"ping","id":7})").id, 7U);
  auto c = r.good(R"({"message":"h\u00e9\n","id":1,"key":"k","room":"tea","type":"chat"})");
  EXPECT_EQ(c.type, CommandType::chat);
  EXPECT_EQ(c.room, "tea");
  EXPECT_EQ(c.message, "h\xc3\xa9\n");
  EXPECT_EQ(c.key, "k");
  c = r.good(R"({"type":"join","room":"tea","since":{"offset":0,"epoch":"e"},"limit":10})");
  ASSERT_TRUE(c.since);
  EXPECT_EQ(c.since->epoch, "e");
  EXPECT_EQ(c.since->offset, 0U);
  EXPECT_EQ(c.limit, 10U);
  EXPECT_TRUE(r.good(R"({"type":"typing","room":"tea","on":true})").on);
  EXPECT_EQ(r.good(R"({"type":"delete","room":"tea","offset":9007199254740991})").offset, kMaxInteger);
  EXPECT_EQ(r.good(R"({"type":"history","room":"tea","before":5})").before, 5U);
  EXPECT_EQ(r.good(R"({"type":"history","room":"tea","after":5})").after, 5U);
  EXPECT_EQ(r.bad(R"({"type":"history","room":"tea","after":5,"before":9})").field, "after");
  EXPECT_EQ(r.good(R"({"type":"authenticate","ticket":"t"})").ticket, "t");
  EXPECT_EQ(r.good(R"({"type":"invite","room":"private:x","user":"u"})").user, "u");
  EXPECT_EQ(r.good("  {\"type\" : \"rooms\"} \n").type, CommandType::rooms);
}

TEST(Command, IgnoresUnknownExtraMembersButReadsThemToTheirEnd) {
  Reader r;
  EXPECT_EQ(
      r.good(R"({"type":"ping","x":[1,{"y":null}],"z":1e400,"big":123456789012345678901234567890,"on":"not for ping"})")
          .type,
      CommandType::ping);
  EXPECT_EQ(r.bad(R"({"type":"ping","x":[1,]})").field, "");
  EXPECT_EQ(r.bad(R"({"type":"ping","x":tru})").field, "");
  EXPECT_EQ(r.bad(R"({"type":"ping","x":01})").field, "");
  EXPECT_EQ(r.bad(R"({"type":"ping","x":"\ud800"})").field, "");
}

TEST(Command, DataIsAnyJsonValueAsItWasWritten) {
  Reader r;
  for (const std::string data : {"null", "false", "0", "-0.0", "1e300", "123456789012345678901234567890", "\"\"",
           "\"\\u0000\"", "[]", "{}", R"({"b":1,"a":[null,{"c":"\\"}]})", "\" ] } \\\" \""}) {
    const auto c = r.good(R"({"type":"publish","room":"tea","data":)" + data + R"(,"key":"k","id":1})");
    EXPECT_EQ(c.type, CommandType::publish);
    EXPECT_EQ(foyer::json::compact(c.data), data);
    EXPECT_EQ(c.key, "k");
    EXPECT_EQ(foyer::json::compact(r.good(R"({"data" : )" + data + R"( , "room":"tea","type":"publish"})").data), data);
    EXPECT_EQ(
        foyer::json::compact(r.good("{\"type\":\"publish\",\"room\":\"tea\",\"data\":\n " + data + " }").data), data);
  }
  EXPECT_EQ(
      foyer::json::compact(r.good("{\"type\":\"publish\",\"room\":\"tea\",\"data\":{ \"a b\" :\n[ 1 ,\t2 ] }}").data),
      R"({"a b":[1,2]})");
  std::string many = R"({"m0":0)";
  for (int i = 1; i < 300; ++i) many += ",\"m" + std::to_string(i) + "\":" + std::to_string(i);
  EXPECT_EQ(r.good(R"({"type":"publish","room":"tea","data":)" + many + "}}").data, many + "}");
  EXPECT_EQ(r.bad(R"({"type":"publish","room":"tea","data":)" + many + ",\"m299\":1}}").field, "data");
}

TEST(Command, DataThatOtherReadersCouldNotReadIsRefused) {
  Reader r;
  const auto field = [&](const std::string& data) {
    return r.bad(R"({"type":"publish","room":"tea","data":)" + data + "}").field;
  };
  const std::string deep(kMaxDataDepth, '['), end(kMaxDataDepth, ']');
  EXPECT_EQ(r.good(R"({"type":"publish","room":"tea","data":)" + deep + end + "}").data, deep + end);
  EXPECT_EQ(field("[" + deep + end + "]"), "data");
  EXPECT_EQ(field("1e999"), "data");
  EXPECT_EQ(field(std::string(400, '9')), "data");
  EXPECT_EQ(field(R"("\ud800")"), "data");
  EXPECT_EQ(field(R"({"a":1,"a":2})"), "data");
  EXPECT_EQ(field("01"), "data");
  EXPECT_EQ(field("[1,]"), "data");
  EXPECT_EQ(field("nul"), "data");
  EXPECT_EQ(r.bad(R"({"type":"publish","data":1})").field, "room");
  EXPECT_EQ(r.bad(R"({"type":"publish","room":"tea"})").field, "data");
  EXPECT_EQ(r.bad(R"({"type":"publish","room":"tea","data":1,"key":""})").field, "key");
}

TEST(Command, NamesTheFieldAtFault) {
  Reader r;
  EXPECT_EQ(r.bad(R"({"id":1})").field, "type");
  EXPECT_EQ(r.bad(R"({"type":5})").field, "type");
  EXPECT_EQ(r.bad(R"({"type":"dance","id":3})").field, "type");
  EXPECT_EQ(r.bad(R"({"type":"dance","id":3})").id, 3U);
  EXPECT_EQ(r.bad(R"({"type":"chat","id":4})").field, "message");
  EXPECT_EQ(r.bad(R"({"type":"chat","message":""})").field, "message");
  EXPECT_EQ(r.bad(R"({"type":"chat","message":["x"]})").field, "message");
  EXPECT_EQ(r.bad(R"({"type":"chat","message":"x","room":null})").field, "room");
  EXPECT_EQ(r.bad(R"({"type":"join"})").field, "room");
  EXPECT_EQ(r.bad(R"({"type":"join","room":"tea","since":{"epoch":"e"}})").field, "since");
  EXPECT_EQ(r.bad(R"({"type":"join","room":"tea","since":[]})").field, "since");
  EXPECT_EQ(r.bad(R"({"type":"join","room":"tea","limit":-1})").field, "limit");
  EXPECT_EQ(r.bad(R"({"type":"join","room":"tea","limit":1.5})").field, "limit");
  EXPECT_EQ(r.bad(R"({"type":"ping","id":9007199254740992})").field, "id");
  EXPECT_EQ(r.bad(R"({"type":"ping","id":"1"})").field, "id");
  EXPECT_EQ(r.bad(R"({"type":"typing","room":"tea","on":1})").field, "on");
  EXPECT_EQ(r.bad(R"({"type":"authenticate"})").what, "token and ticket are both missing; one of them is required");
}

TEST(Command, AnUnknownTypeNamesTheNearest) {
  Reader r;
  EXPECT_EQ(r.bad(R"({"type":"autenticate","token":"t"})").what,
      "type \"autenticate\" is unknown to this server; the nearest is \"authenticate\"");
  EXPECT_EQ(r.bad(R"({"type":"chta"})").what, "type \"chta\" is unknown to this server; the nearest is \"chat\"");
  EXPECT_EQ(r.bad(R"({"type":"subscribe"})").what, "type \"subscribe\" is unknown to this server");
}

TEST(Command, RefusesWhatIsNotExactlyOneObject) {
  Reader r;
  for (const char* text : {"", " ", "[]", "null", "\"ping\"", "5", "{", "}", R"({"type":"ping"} x)",
           R"({"type":"ping"}{})", R"({"type":"ping",})", R"({"type":"ping" "id":1})", R"({type:"ping"})",
           R"({'type':'ping'})", "{\"type\":\"pi\nng\"}", "\xEF\xBB\xBF{\"type\":\"ping\"}",
           R"({"type":"ping","type":"ping"})", R"({"type":"ping","x":1,"x":2})",
           R"({"type":"ping","\u0074ype":"ping"})", R"({"type":"ping","a":{"b":1,"b":1}})",
           R"({"type":"join","room":"tea","since":{"epoch":"a","epoch":"b","offset":1}})"})
    r.bad(text);
}

TEST(Command, BoundsDepthAndMembers) {
  Reader r;
  EXPECT_EQ(r.good(R"({"type":"ping","x":[[[[[[[1]]]]]]]})").type, CommandType::ping);
  r.bad(R"({"type":"ping","x":[[[[[[[[[1]]]]]]]]]})");
  std::string many = R"({"type":"ping")";
  for (int i = 0; i < 70; ++i) many += ",\"m" + std::to_string(i) + "\":1";
  r.bad(many + "}");
}

} // namespace
