#include "harness/recording.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "harness/normal_form.h"
#include "harness/player.h"

using namespace foyer;
using namespace foyer::harness;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr std::string_view kStory = R"(# two_talk: two people talk, and one of them packs what it says
given compression_min_bytes 64
alice connects as user:alice with deflate
bob tries as user:bob by message
bob < {"type":"authentication_success"}
alice > {"type":"join","room":"tea"}
alice < {"type":"joined"}
bob > {"type":"join","room":"tea"}
bob < {"type":"joined"}
alice catches up
bob > {"type":"chat","room":"tea","message":"MESSAGE"}
alice < {"type":"message"}
40s pass
carol asks GET /nowhere
carol is answered 404
dave tries as user:dave with a foreign key
dave is answered 401
bob disconnects
)";

std::string recorded(std::string story, const Settings& settings = {}, std::size_t piece = 0) {
  const auto script = parse_script(story);
  Recording recording;
  const auto difference = play(*script, {.piece = piece, .settings = settings, .recording = &recording});
  EXPECT_FALSE(difference) << difference->statement << "\n" << difference->what;
  return recording.text();
}

std::string story_with(std::string_view message) {
  std::string story(kStory);
  const std::string_view mark = "MESSAGE";
  return story.replace(story.find(mark), mark.size(), message);
}

// What an end of a connection passes on, as a recording shows it.
std::string shown(const std::function<void(Recording::Section&)>& act) {
  Recording recording;
  act(recording.of("alice"));
  return recording.text();
}

std::string frame_of(std::string_view first_byte, std::string_view payload) {
  std::string out(first_byte);
  out += static_cast<char>(payload.size());
  return out += payload;
}

std::vector<std::string> split(std::string_view bytes, std::size_t piece) {
  FrameSplitter splitter;
  std::vector<std::string> frames;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    splitter.add(bytes.substr(at, piece));
    while (auto frame = splitter.next()) frames.push_back(frame->bytes);
  }
  EXPECT_FALSE(splitter.unfinished());
  return frames;
}

} // namespace

TEST(NormalForm, NumbersWhatIsRandomAsItFirstAppears) {
  EXPECT_EQ(normal_form(R"({"epoch":"Bm3v_x0-Q9aLkE2z","ref":"DzzT4kkPq1-_abCd","again":"Bm3v_x0-Q9aLkE2z"})"),
      R"({"epoch":"<id-1>","ref":"<id-2>","again":"<id-1>"})");
  EXPECT_EQ(normal_form("4401 TOKEN_EXPIRED Bm3v_x0-Q9aLkE2z"), "4401 TOKEN_EXPIRED <id-1>");
  EXPECT_EQ(normal_form("user:u_Bm3v_x0-Q9aLkE2z"), "user:<id-1>");
  EXPECT_EQ(normal_form(R"("connection":"0000000100000001")"), R"("connection":"<id-1>")");
}

TEST(NormalForm, LeavesWordsNamesAndNumbersAsTheyAre) {
  for (const std::string_view text :
      {"authentication_success", "Sec-WebSocket-Protocol", "TOO_MANY_CONNECTIONS_AT_ONCE", "session-of-alice-12345",
          "01234567890123456789", "aaaaaaaaaaaaaaaaaaaaaaaa", "X-Content-Type-Options"})
    EXPECT_EQ(normal_form(text), text);
}

TEST(NormalForm, NumbersMoments) {
  EXPECT_EQ(normal_form("2023-11-14T22:13:20.000Z 2023-11-14T22:13:20.001Z 2023-11-14T22:13:20.000Z"),
      "<time-1> <time-2> <time-1>");
  EXPECT_EQ(normal_form("Date: Tue, 14 Nov 2023 22:13:20 GMT"), "Date: <time-1>");
  EXPECT_EQ(normal_form(R"("exp":1700000900,"wait":900)"), R"("exp":<time-1>,"wait":900)");
}

TEST(NormalForm, LeavesOutWaitsThatAreDrawnAndTheLengthOfWhatHoldsThem) {
  EXPECT_EQ(normal_form(R"("retry_after_ms":3816,)"), R"("retry_after_ms":<wait>,)");
  EXPECT_EQ(normal_form(R"("retry_after_ms":20000,)"), R"("retry_after_ms":20000,)") << "nobody drew that";
  EXPECT_EQ(normal_form(R"({"step":"a","ms":0E0},{"step":"b","ms":1.5E2})"),
      R"({"step":"a","ms":0E0},{"step":"b","ms":<wait>})");
  EXPECT_EQ(normal_form("Retry-After: 4\n"), "Retry-After: <wait>\n");
  EXPECT_EQ(normal_form("3 of 3 attempts within 150 ms"), "3 of 3 attempts within <wait> ms");
  EXPECT_EQ(normal_form("Content-Length: 1011\nContent-Length: 0\n"), "Content-Length: <length>\nContent-Length: 0\n");
}

TEST(NormalForm, LeavesOutSecondsAndBytesOfMetrics) {
  EXPECT_EQ(normal_form(
                "foyer_x_seconds_bucket{le=\"0.05\"} 3\nfoyer_x_bytes_total 12\nfoyer_refusals_total{code=\"A\"} 7\n"),
      "foyer_x_seconds_bucket{le=\"0.05\"} <measured>\nfoyer_x_bytes_total "
      "<measured>\nfoyer_refusals_total{code=\"A\"} 7\n");
  EXPECT_EQ(normal_form("# HELP foyer_x_seconds How long x took.\n"), "# HELP foyer_x_seconds How long x took.\n");
}

TEST(NormalForm, TakesTokensApart) {
  // {"alg":"none"} {"sub":"alice","iat":1700000000}
  const std::string token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAwMH0.c2lnbmF0dXJl";
  EXPECT_EQ(normal_form("Bearer " + token + "\n"),
      "Bearer <token-1>\n== what the tokens say\n<token-1> {\"alg\":\"none\"} {\"sub\":\"alice\",\"iat\":<time-1>}\n");
}

TEST(FrameSplitter, FindsTheSameFramesHoweverTheyArrive) {
  const std::string small = frame_of("\x81", "hello"), ping = frame_of("\x89", "");
  const std::string longer = std::string("\x82\x7e\x01\x2c", 4) + std::string(300, 'x');
  const std::string masked = std::string("\x81\x82\x01\x02\x03\x04", 6) + "ab";
  const std::string all = small + ping + longer + masked;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, all.size()})
    EXPECT_THAT(split(all, piece), testing::ElementsAre(small, ping, longer, masked)) << piece;
}

TEST(FrameSplitter, TellsThatAFrameIsUnfinished) {
  FrameSplitter splitter;
  splitter.add("\x81\x05hel");
  EXPECT_FALSE(splitter.next());
  EXPECT_TRUE(splitter.unfinished());
}

TEST(Recording, ShowsOpcodeFlagsAndTextOfAFrame) {
  const auto heard = [](std::string_view first_byte, std::string_view payload, std::string_view message) {
    return shown([&](Recording::Section& alice) {
      FrameSplitter splitter;
      splitter.add(frame_of(first_byte, payload));
      const auto frame = splitter.next();
      alice.heard_frame(*frame);
      if (frame->opcode() < 8) alice.heard_message(message);
    });
  };
  EXPECT_EQ(heard("\x81", "tea", "tea"), "== alice\n< text tea\n");
  EXPECT_EQ(heard("\xc1", "??", "tea"), "== alice\n< text, packed tea\n");
  EXPECT_EQ(heard("\x02", "\xff\n", "\xff\n"), "== alice\n< binary, more follows \\xff\\n\n");
  EXPECT_EQ(heard("\x88", "\x03\xe8 bye", ""), "== alice\n< close 1000  bye\n");
  EXPECT_EQ(heard("\xa9", "x", ""), "== alice\n< ping, RSV2 x\n");
}

TEST(Recording, DoesNotShowInWhichPiecesAnAnswerCame) {
  const auto whole = [](Recording::Section& alice) { alice.heard("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"); };
  const auto pieces = [](Recording::Section& alice) {
    for (const char c : std::string_view("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody")) alice.heard({&c, 1});
  };
  EXPECT_EQ(shown(whole), "== alice\n< HTTP/1.1 200 OK\n< A: b\n< \n< body\n< (no line break)\n");
  EXPECT_EQ(shown(pieces), shown(whole));
}

TEST(Recording, TheOrderBetweenPeersDoesNotShowAndThatOfOneDoes) {
  const auto both = [](bool alice_first, std::string_view one, std::string_view other) {
    Recording recording;
    recording.step("something happens");
    if (alice_first) recording.of("alice").event("< text Bm3v_x0-Q9aLkE2z");
    recording.of("bob").event(fmt::format("< text {}", one));
    recording.of("bob").event(fmt::format("< text {}", other));
    if (!alice_first) recording.of("alice").event("< text Bm3v_x0-Q9aLkE2z");
    return recording.text();
  };
  EXPECT_EQ(both(true, "DzzT4kkPq1-_abCd", "a"), both(false, "DzzT4kkPq1-_abCd", "a"));
  EXPECT_NE(both(true, "b", "a"), both(true, "a", "b"));
}

TEST(Recording, OfAStoryHasEverythingThatPassed) {
  const std::string text = recorded(story_with("hello"));
  EXPECT_THAT(text,
      HasSubstr("== alice\n-- alice connects as user:alice with deflate\nconnection 1\n> GET /ws/chat HTTP/1.1\n"));
  EXPECT_THAT(text, HasSubstr("< HTTP/1.1 101 "));
  EXPECT_THAT(text, HasSubstr(R"(< text {"type":"authentication_success")"));
  EXPECT_THAT(text, HasSubstr(R"(> text {"type":"authenticate","token":"<token-)"));
  EXPECT_THAT(text, HasSubstr("< text, packed {\"type\":\"joined\""));
  EXPECT_THAT(text, HasSubstr("< ping"));
  EXPECT_THAT(text, HasSubstr("> pong"));
  EXPECT_THAT(text, HasSubstr("< HTTP/1.1 404 "));
  EXPECT_THAT(text, HasSubstr("> close 1000"));
  EXPECT_THAT(text, HasSubstr("< close 1000"));
  EXPECT_THAT(text, HasSubstr("\n< end\n"));
  EXPECT_THAT(text, HasSubstr(R"("sub":"alice")"));
}

TEST(Recording, OfAStoryChangesWithOneWord) {
  const std::string text = recorded(story_with("hello"));
  EXPECT_EQ(recorded(story_with("hello")), text);
  EXPECT_NE(recorded(story_with("hallo")), text);
}

// Other identifiers, tokens and times, and the same recording: nothing that is random is left in it.
TEST(Recording, OfAStoryDoesNotDependOnEntropyOrTheTimeOfDay) {
  const std::string text = recorded(story_with("hello"));
  EXPECT_EQ(recorded(story_with("hello"), {{"entropy", "77"}}), text);
  EXPECT_EQ(recorded(story_with("hello"), {{"clock_ahead", "100h"}}), text);
  EXPECT_EQ(recorded(story_with("hello"), {}, 7), text);
}
