// The terminal client's state machine: events and the resulting actions.
#include "cli/chat/chat_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/chat/chat_options.h"
#include "cli/chat/testing/chat_fixture.h"

namespace foyer::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(Chat, AuthenticatesByItsFirstMessageAndJoins) {
  EXPECT_THAT(performed(session.start()), ElementsAre("connect"));
  EXPECT_THAT(performed(session.opened()),
      ElementsAre(R"(send {"type":"authenticate","token":"t0","features":["changes","room_reset","people","data"]})"));
  EXPECT_THAT(performed(session.received(kWelcome)),
      ElementsAre(
          "note", R"(send {"type":"join","id":1,"room":"tea","limit":20})", R"(send {"type":"invitations","id":0})"));
  EXPECT_THAT(performed(session.received(joined(1, 1, false, message(1, "hi")))),
      ElementsAre("show --:-- tea bob: hi", "show * tea: 1 here"));
  EXPECT_THAT(performed(session.received(pushed(2, "there"))), ElementsAre("show --:-- tea bob: there"));
}

TEST_F(Chat, AnApplicationsOwnCloseCodeSaysWhetherToComeBack) {
  in_tea();
  EXPECT_THAT(performed(session.closed(4123, "for a moment")), Contains(HasSubstr("wake")));
  reconnected();
  EXPECT_THAT(performed(session.closed(4789, "for good")), Contains(HasSubstr("finish")));
}

TEST_F(Chat, SendsOneLineAfterAnotherEachUnderItsKey) {
  in_tea();
  const auto first = performed(session.typed("hello"));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_THAT(first[0], HasSubstr(R"("message":"hello","key":")"));
  EXPECT_THAT(performed(session.typed("again")), IsEmpty());
  const auto second = performed(
      session.received(R"({"type":"sent","id":2,"room":"tea","epoch":"e1","offset":3,"time":"x","duplicate":false})"));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_THAT(second[0], HasSubstr(R"("message":"again")"));
}

TEST_F(Chat, SendsAnUnansweredMessageAgainUnderTheSameKey) {
  in_tea();
  const auto first = performed(session.typed("hello"));
  reconnected();
  const auto after = performed(session.received(kWelcome));
  EXPECT_THAT(after,
      ElementsAre("note",
          R"(send {"type":"join","id":3,"room":"tea","limit":300,"since":{"epoch":"e1","offset":2,"change":0,"time":"x"}})",
          first[0]));
}

TEST_F(Chat, ShowsWhatWasMissedOnceAndInOrder) {
  in_tea();
  reconnected();
  (void)session.received(kWelcome);
  EXPECT_THAT(performed(session.received(joined(2, 4, true, message(3, "three") + "," + message(4, "four")))),
      ElementsAre("show --:-- tea bob: three", "show --:-- tea bob: four"));
  EXPECT_THAT(performed(session.received(pushed(4, "four"))), IsEmpty());
  EXPECT_THAT(performed(session.received(pushed(5, "five"))), ElementsAre("show --:-- tea bob: five"));
}

TEST_F(Chat, TakesAMissingMessageForALostConnection) {
  in_tea();
  EXPECT_THAT(performed(session.received(pushed(4, "four"))),
      ElementsAre("note", "drop", testing::StartsWith("note"), testing::StartsWith("wake")));
  (void)session.woke();
  (void)session.opened();
  EXPECT_THAT(performed(session.received(kWelcome)),
      ElementsAre("note",
          R"(send {"type":"join","id":2,"room":"tea","limit":300,"since":{"epoch":"e1","offset":2,"change":0,"time":"x"}})"));
  EXPECT_THAT(performed(session.received(joined(2, 4, true, message(3, "three") + "," + message(4, "four")))),
      ElementsAre("show --:-- tea bob: three", "show --:-- tea bob: four"));
}

TEST_F(Chat, ShowsADeletedMessageAsDeleted) {
  in_tea();
  EXPECT_THAT(
      performed(session.received(
          R"({"type":"message","room":"tea","epoch":"e1","offset":3,"from":{"id":"b","name":"bob"},"message":"","time":"x","deleted":true})")),
      ElementsAre("show --:-- tea bob: (deleted)"));
}

TEST_F(Chat, LearnsOfWhatWasDeletedBehindItsBack) {
  in_tea();
  EXPECT_THAT(performed(session.received(R"({"type":"deleted","room":"tea","offset":1,"change":1})")),
      ElementsAre("show * message 1 of tea was deleted"));
  EXPECT_THAT(performed(session.received(R"({"type":"deleted","room":"tea","offset":1,"change":1})")), IsEmpty());
  reconnected();
  EXPECT_THAT(performed(session.received(kWelcome)),
      ElementsAre("note",
          R"(send {"type":"join","id":2,"room":"tea","limit":300,"since":{"epoch":"e1","offset":2,"change":1,"time":"x"}})"));
  EXPECT_THAT(
      performed(session.received(
          R"({"type":"joined","id":2,"room":"tea","kind":"public","durable":true,"epoch":"e1","offset":2,"recovered":true,"messages":[],"more":false,"change":3,)"
          R"("changes":[{"type":"deleted","offset":2,"change":2},{"type":"author_detached","user":{"id":"b","name":"deleted user"},"change":3}],"members":[],"member_count":0})")),
      ElementsAre("show * message 2 of tea was deleted", "show * b in tea is now deleted user"));
}

TEST_F(Chat, ShowsThatAPersonWasForgotten) {
  in_tea();
  EXPECT_THAT(
      performed(session.received(
          R"({"type":"author_detached","room":"tea","user":{"id":"b","name":"deleted user"},"erased":true,"change":1})")),
      ElementsAre("show * b in tea is now deleted user, and the messages were deleted"));
}

TEST_F(Chat, TakesAMissingChangeForALostConnection) {
  in_tea();
  EXPECT_THAT(performed(session.received(R"({"type":"deleted","room":"tea","offset":1,"change":2})")),
      ElementsAre("note", "drop", testing::StartsWith("note"), testing::StartsWith("wake")));
}

TEST_F(Chat, JoinsARoomAgainWhoseHistoryBeganAnew) {
  in_tea();
  EXPECT_THAT(performed(session.received(R"({"type":"room_reset","room":"tea","epoch":"e2","offset":1,"reason":"r"})")),
      ElementsAre(
          R"(send {"type":"join","id":2,"room":"tea","limit":300,"since":{"epoch":"e1","offset":2,"change":0,"time":"x"}})"));
  EXPECT_THAT(performed(session.received(joined(2, 1, false, message(1, "new"), "e2"))),
      ElementsAre("note", "show --:-- tea bob: new"));
  EXPECT_THAT(
      performed(session.received(
          R"({"type":"message","room":"tea","epoch":"e2","offset":2,"from":{"id":"b","name":"bob"},"message":"more","time":"x"})")),
      ElementsAre("show --:-- tea bob: more"));
}

TEST_F(Chat, FetchesOlderMessagesBeforeItShowsNewerOnes) {
  in_tea();
  reconnected();
  (void)session.received(kWelcome);
  EXPECT_THAT(performed(session.received(joined(2, 6, false, message(6, "six")))),
      ElementsAre(R"(send {"type":"history","id":3,"room":"tea","before":6,"limit":300})"));
  EXPECT_THAT(performed(session.received(pushed(7, "seven"))), IsEmpty());
  EXPECT_THAT(
      performed(session.received(R"({"type":"history","id":3,"room":"tea","epoch":"e1","more":true,"messages":[)" +
          message(5, "five") + "]}")),
      ElementsAre(R"(send {"type":"history","id":4,"room":"tea","before":5,"limit":300})"));
  EXPECT_THAT(
      performed(session.received(R"({"type":"history","id":4,"room":"tea","epoch":"e1","more":true,"messages":[)" +
          message(2, "two") + "," + message(3, "three") + "]}")),
      ElementsAre("show --:-- tea bob: three", "show --:-- tea bob: five", "show --:-- tea bob: six",
          "show --:-- tea bob: seven"));
}

TEST_F(Chat, SaysWhenAHistoryBeganAnew) {
  in_tea();
  reconnected();
  (void)session.received(kWelcome);
  EXPECT_THAT(performed(session.received(joined(2, 1, false, message(1, "new"), "e2"))),
      ElementsAre("note", "show --:-- tea bob: new"));
}

TEST_F(Chat, RefreshesAnExpiredTokenOnceAndThenGivesUp) {
  in_tea();
  EXPECT_THAT(performed(session.closed(4401, "TOKEN_EXPIRED r1")), ElementsAre("refresh"));
  EXPECT_THAT(performed(session.refreshed("t1")), ElementsAre("connect"));
  EXPECT_THAT(performed(session.opened()),
      ElementsAre(R"(send {"type":"authenticate","token":"t1","features":["changes","room_reset","people","data"]})"));
  (void)session.received(
      R"({"type":"authentication_error","code":"TOKEN_EXPIRED","message":"m","step":"credential_valid","ref":"r2","retry":"refresh"})");
  const Actions end = session.closed(4401, "TOKEN_EXPIRED r2");
  EXPECT_THAT(performed(end), ElementsAre("note", "finish 1"));
  EXPECT_THAT(notes(end), HasSubstr("TOKEN_EXPIRED (step credential_valid)"));
  EXPECT_THAT(notes(end), HasSubstr(std::string{"Next: "}.append(info(Cause::TOKEN_EXPIRED).next)));
  EXPECT_THAT(notes(end), HasSubstr("foyer why r2"));
}

TEST_F(Chat, RefreshesInBandWhenTheTokenIsAboutToEnd) {
  in_tea();
  EXPECT_THAT(performed(session.received(R"({"type":"token_expiring","expires_at":"x"})")), ElementsAre("refresh"));
  EXPECT_THAT(performed(session.refreshed("t1")), ElementsAre(R"(send {"type":"refresh","id":2,"token":"t1"})"));
  EXPECT_THAT(performed(session.received(R"({"type":"refreshed","id":2,"expires_at":"x"})")), IsEmpty());
}

ReceivedRefusal refusal(Cause cause, Retry retry) {
  return {.code = std::string{code_of(cause)},
      .message = std::string{info(cause).client},
      .step = {},
      .ref = "r",
      .retry = retry,
      .retry_after = {}};
}
const std::string kExpiring = R"({"type":"token_expiring","expires_at":"2030-01-01T12:00:00.000Z"})";

TEST_F(Chat, SaysInTimeThatTheSessionEndsAndWhyAndAsksAgainWhileThatMayHelp) {
  in_tea();
  (void)session.received(kExpiring);
  const Actions away = session.refresh_failed(refusal(Cause::AUTH_SERVICE_TIMEOUT, Retry::after), "");
  EXPECT_THAT(performed(away), ElementsAre("note"));
  EXPECT_THAT(notes(away), HasSubstr("Your session ends at "));
  EXPECT_THAT(notes(away), HasSubstr("AUTH_SERVICE_TIMEOUT"));
  EXPECT_THAT(notes(away), HasSubstr("can keep chatting"));
  EXPECT_THAT(performed(session.tick(true)), ElementsAre("refresh"));
  EXPECT_THAT(performed(session.refresh_failed(refusal(Cause::AUTH_SERVICE_TIMEOUT, Retry::after), "")), IsEmpty())
      << "said once";
  EXPECT_THAT(performed(session.tick(true)), ElementsAre("refresh"));
  EXPECT_THAT(performed(session.refreshed("t1")), ElementsAre(R"(send {"type":"refresh","id":2,"token":"t1"})"));
  EXPECT_THAT(
      notes(session.received(R"({"type":"refreshed","id":2,"expires_at":"x"})")), HasSubstr("Your session continues"));
  EXPECT_THAT(performed(session.tick(true)), IsEmpty());
}

TEST_F(Chat, ASessionThatHasEndedIsNotAskedForAgainAndWhatIsTypedIsStillSent) {
  in_tea();
  (void)session.received(kExpiring);
  const Actions over = session.refresh_failed(refusal(Cause::REFRESH_REUSED, Retry::never), "");
  EXPECT_THAT(notes(over), HasSubstr("REFRESH_REUSED"));
  EXPECT_THAT(notes(over), HasSubstr("log in"));
  EXPECT_THAT(performed(session.tick(true)), IsEmpty());
  EXPECT_EQ(performed(session.typed("hello")).size(), 1U);
}

TEST_F(Chat, ARevokedTokenIsReportedByTheCloseWithTheReason) {
  in_tea();
  EXPECT_THAT(performed(session.closed(4401, "TOKEN_REVOKED r7")), ElementsAre("refresh"));
  const Actions end = session.refresh_failed(refusal(Cause::REFRESH_UNKNOWN, Retry::never), "");
  EXPECT_THAT(performed(end), ElementsAre("note", "finish 1"));
  EXPECT_THAT(notes(end), HasSubstr("TOKEN_REVOKED"));
}

TEST_F(Chat, ListsSessionsAndEndsOneByItsNumber) {
  in_tea();
  EXPECT_THAT(notes(session.typed("/signout 1")), HasSubstr("Use /sessions first"));
  EXPECT_THAT(performed(session.typed("/sessions")), ElementsAre("call GET /auth/sessions"));
  EXPECT_THAT(performed(session.typed("/signout 2")), IsEmpty()) << "waits for the answer";
  const Actions list = session.answered(
      R"({"sessions":[{"id":"s_a","device":"foyer chat","address":"127.0.0.1","created":"x","last_seen":"x","current":true},{"id":"s_b","device":"Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0 Safari/537.36","address":"::1","created":"x","last_seen":"x","current":false}]})");
  EXPECT_THAT(performed(list),
      ElementsAre(
          "show    1  foyer chat                 127.0.0.1        since ----------, last seen ----------  (this one)\n "
          "  2  Chrome on Linux            ::1              since ----------, last seen ----------",
          "call DELETE /auth/sessions/s_b"));
  EXPECT_THAT(notes(session.answered("")), HasSubstr("has ended"));
  EXPECT_THAT(notes(session.typed("/signout 3")), HasSubstr("1 to 2"));
}

TEST_F(Chat, SignsOutEverywhereAndTakesTheCloseForItsOwnDoing) {
  in_tea();
  EXPECT_THAT(performed(session.typed("/signout all")), ElementsAre("call DELETE /auth/sessions"));
  EXPECT_THAT(performed(session.closed(4401, "SESSION_REVOKED r")), IsEmpty());
  EXPECT_THAT(performed(session.answered("")), ElementsAre("note", "drop", "finish 0"));
}

TEST_F(Chat, ASignOutThatCannotBeSentLeavesTheChatAsItWas) {
  in_tea();
  EXPECT_THAT(performed(session.typed("/signout")), ElementsAre("call POST /auth/logout"));
  const Actions away = session.call_failed(refusal(Cause::AUTH_SERVICE_CONNECTION_ERROR, Retry::after), "");
  EXPECT_THAT(notes(away), HasSubstr("AUTH_SERVICE_CONNECTION_ERROR"));
  EXPECT_EQ(performed(session.typed("hello")).size(), 1U);
  EXPECT_THAT(notes(session.typed("/signout everybody")), IsEmpty()) << "waits for the answer to hello";
}

TEST(ChatText, SaysHowLongALockLasts) {
  ReceivedRefusal lock = refusal(Cause::LOGIN_LOCKED, Retry::after);
  lock.retry_after = Millis{65'400};
  EXPECT_THAT(refusal_text(lock), HasSubstr("Time left: 1 min 6 s"));
  EXPECT_EQ(wait_text(Millis{120'000}), "2 min");
  EXPECT_EQ(device_words("Mozilla/5.0 (Windows NT 10.0)"), "A browser on Windows");
}

TEST_F(Chat, ShowsARefusedHandshakeAndEnds) {
  (void)session.start();
  const Actions end = session.handshake_failed({.what = "403",
      .refusal = ReceivedRefusal{.code = "USER_DISABLED",
          .message = "Not you.",
          .step = "user",
          .ref = "r",
          .retry = Retry::never,
          .retry_after = {}},
      .status = 403});
  EXPECT_THAT(performed(end), ElementsAre("note", "finish 1"));
}

TEST_F(Chat, AsksWhyWhenTheAnswerSaysNothing) {
  (void)session.start();
  EXPECT_THAT(performed(session.handshake_failed({.what = "502", .status = 502, .foreign = true})),
      ElementsAre("note", "ask why"));
  EXPECT_THAT(performed(session.why(std::nullopt)), ElementsAre("note", "finish 2"));
}

TEST_F(Chat, KnowsAProxyThatEatsTheUpgrade) {
  (void)session.start();
  (void)session.handshake_failed({.what = "400", .status = 400, .foreign = true});
  const Actions end = session.why(ReceivedRefusal{
      .code = "UPGRADE_MISSING", .message = {}, .step = {}, .ref = {}, .retry = Retry::never, .retry_after = {}});
  EXPECT_THAT(notes(end), HasSubstr("in between"));
}

TEST_F(Chat, GivesUpWhenNothingWasEverThereAndComesBackWhenSomethingWas) {
  (void)session.start();
  EXPECT_THAT(performed(session.handshake_failed({.what = "refused"})), ElementsAre("note", "finish 2"));
  ChatSession other{{.rooms = {}}, "t", entropy};
  (void)other.start();
  (void)other.opened();
  (void)other.received(kWelcome);
  EXPECT_THAT(performed(other.closed(1006, "")), ElementsAre("note", "note", "wake"));
  EXPECT_THAT(performed(other.woke()), ElementsAre("connect"));
  EXPECT_THAT(performed(other.handshake_failed({.what = "refused"})), ElementsAre("note", "note", "wake"));
}

TEST_F(Chat, WaitsAndSendsAgainWhenItIsTooFast) {
  in_tea();
  const auto first = performed(session.typed("hello"));
  EXPECT_THAT(
      performed(session.received(
          R"({"type":"error","id":2,"code":"RATE_LIMITED","message":"m","retry":"after","retry_after_ms":10,"ref":"r"})")),
      ElementsAre("wake"));
  EXPECT_THAT(performed(session.woke()), ElementsAre(first[0]));
}

TEST_F(Chat, EndsAfterTheLastAnswerWhenItsInputEnds) {
  in_tea();
  (void)session.typed("hello");
  EXPECT_THAT(performed(session.end_of_input()), IsEmpty());
  EXPECT_THAT(performed(session.received(R"({"type":"sent","id":2,"room":"tea","epoch":"e1","offset":3})")),
      ElementsAre("leave", "finish 0"));
}

TEST_F(Chat, NoticesASilentServer) {
  in_tea();
  EXPECT_THAT(performed(session.tick(true)), IsEmpty());
  EXPECT_THAT(performed(session.tick(false)), IsEmpty());
  EXPECT_THAT(performed(session.tick(false)), ElementsAre(R"(send {"type":"ping"})"));
  EXPECT_THAT(performed(session.tick(false)), ElementsAre("note", "drop", "note", "wake"));
}

TEST_F(Chat, NobodyCanControlTheTerminal) {
  in_tea();
  EXPECT_THAT(
      performed(session.received(pushed(3, R"(a\u001b[2Jb\\c)"))), ElementsAre("show --:-- tea bob: a\\x1b[2Jb\\c"));
}

} // namespace
} // namespace foyer::cli
