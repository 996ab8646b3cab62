// Rooms, invitations and people in the terminal client: commands that are typed, and what the server reports of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/chat/testing/chat_fixture.h"

namespace foyer::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(Chat, ShowsARoomThatTheApplicationPutItInto) {
  in_tea();
  const std::string news = R"({"type":"joined","by":"server","room":"news","kind":"public","epoch":"e2","offset":1,)"
                           R"("recovered":false,"messages":[{"room":"news","epoch":"e2","offset":1,)"
                           R"("from":{"id":"b","name":"bob"},"message":"hello","time":"x"}],"more":false,)"
                           R"("members":[],"member_count":1})";
  EXPECT_THAT(
      performed(session.received(news)), ElementsAre("show * you were put into news", "show --:-- news bob: hello"));
  EXPECT_THAT(performed(session.received(R"({"type":"room_removed","room":"news","code":"UNSUBSCRIBED_BY_APP"})")),
      ElementsAre("note"));
  reconnected();
  EXPECT_THAT(performed(session.received(kWelcome)), Not(Contains(HasSubstr("news"))));
}

TEST_F(Chat, ShowsAllPagesOfALongListOfRooms) {
  in_tea();
  EXPECT_THAT(performed(session.typed("/rooms")), ElementsAre(R"(send {"type":"rooms","id":2})"));
  EXPECT_THAT(performed(session.received(
                  R"({"type":"rooms","id":2,"more":true,"rooms":[{"room":"a","offset":1},{"room":"b","offset":2}]})")),
      ElementsAre(HasSubstr("show   a"), R"(send {"after":"b","type":"rooms","id":3})"));
  EXPECT_THAT(performed(session.received(R"({"type":"rooms","id":3,"more":false,"rooms":[{"room":"c","offset":3}]})")),
      ElementsAre(HasSubstr("show   c")));
}

TEST_F(Chat, MakesARoomAndEntersIt) {
  in_tea();
  EXPECT_THAT(
      performed(session.typed("/create plan")), ElementsAre(R"(send {"type":"create","id":2,"room":"private:plan"})"));
  EXPECT_THAT(performed(session.received(R"({"type":"created","id":2,"room":"private:plan"})")),
      ElementsAre(R"(send {"limit":20,"type":"join","id":3,"room":"private:plan"})"));
}

TEST_F(Chat, ListsInvitationsAndAnswersThem) {
  in_tea();
  EXPECT_THAT(
      performed(session.received(
          R"({"type":"invitations","id":0,"invitations":[{"room":"private:den","from":{"id":"b","name":"bob"},"expires_at":"x"},{"room":"direct:1","from":{"id":"c","name":"carol"},"expires_at":"x"}],"more":false})")),
      ElementsAre("show * 1  bob invites you to private:den: /accept 1 or /decline 1\n* 2  carol wants to write to "
                  "you: /accept 2 or /decline 2"));
  EXPECT_THAT(notes(session.typed("/accept 3")), HasSubstr("1 to 2"));
  EXPECT_THAT(
      performed(session.typed("/decline 1")), ElementsAre(R"(send {"type":"decline","id":2,"room":"private:den"})"));
  EXPECT_THAT(performed(session.received(R"({"type":"declined","id":2,"room":"private:den"})")),
      ElementsAre("show * declined private:den"));
  EXPECT_THAT(performed(session.typed("/accept")), ElementsAre(R"(send {"type":"accept","id":3,"room":"direct:1"})"));
  EXPECT_THAT(performed(session.received(R"({"type":"room_added","room":"direct:1"})")), IsEmpty())
      << "it is entered anyway";
  EXPECT_THAT(performed(session.received(R"({"type":"accepted","id":3,"room":"direct:1"})")),
      ElementsAre(R"(send {"limit":20,"type":"join","id":4,"room":"direct:1"})"));
}

TEST_F(Chat, AnInvitationIsAnsweredWithoutNamingItsRoom) {
  in_tea();
  EXPECT_THAT(notes(session.typed("/accept")), HasSubstr("no invitation"));
  EXPECT_THAT(performed(session.received(
                  R"({"type":"invitation","room":"private:den","from":{"id":"b","name":"bob"},"expires_at":"x"})")),
      ElementsAre("show * bob invites you to private:den: /accept or /decline"));
  EXPECT_THAT(
      performed(session.typed("/accept")), ElementsAre(R"(send {"type":"accept","id":2,"room":"private:den"})"));
}

TEST_F(Chat, NamesPeopleByWhatTheyAreCalled) {
  in_tea();
  EXPECT_THAT(performed(session.typed("/invite bob")),
      ElementsAre(R"(send {"name":"bob","type":"invite","id":2,"room":"tea"})"));
  EXPECT_THAT(performed(session.received(R"({"type":"invited","id":2,"room":"tea","user":"u2","pending":true})")),
      ElementsAre("show * invitation sent for tea"));
  EXPECT_THAT(performed(session.typed("/direct id:u3")), ElementsAre(R"(send {"user":"u3","type":"direct","id":3})"));
}

TEST_F(Chat, AnOlderServerThatKnowsNoInvitationsIsNoNews) {
  in_tea();
  EXPECT_THAT(performed(session.received(
                  R"({"type":"error","id":0,"code":"BAD_MESSAGE","message":"m","retry":"never","ref":"r"})")),
      IsEmpty());
}

} // namespace
} // namespace foyer::cli
