#include "wire/websocket.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "wire/mask.h"
#include "wire/testing/ws_world.h"
#include "wire/utf8_stream.h"

namespace foyer::wire {
namespace {

// RFC 6455 §5.7, as printed.
TEST(Rfc6455, S5_7_TheExamplesAsPrinted) {
  const auto server = WsRole::server;
  const auto client = WsRole::client;
  expect_at_every_cut(bytes({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), {{"text:Hello"}}, client);
  expect_at_every_cut(
      bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}), {{"text:Hello"}}, server);
  expect_at_every_cut(bytes({0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f}), {{"text:Hello"}}, client);
  expect_at_every_cut(bytes({0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), {{"ping:Hello"}}, client);
  expect_at_every_cut(
      bytes({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}), {{"pong:Hello"}}, server);
  const std::string data(256, 'x');
  expect_at_every_cut(bytes({0x82, 0x7e, 0x01, 0x00}) + data, {{"binary:" + data}}, client);
}

// RFC 6455 §1.3.
TEST(Rfc6455, S1_3_TheAcceptKeyAsPrinted) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(valid_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
  for (const char* key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
           "dGhlIHNhbXBsZSBub25-ZQ==", "SGVsbG8sIHdvcmxkIQ==", "AAAAAAAAAAAAAAAAAAAAAAA="})
    EXPECT_FALSE(valid_websocket_key(key)) << key;
}

TEST(WsDecoder, GivesTheSameMessagesHoweverTheBytesAreCut) {
  const std::string long_text(700, 'y');
  const std::string stream = frame(0x81, "one") + frame(0x89, "") + frame(0x01, "tw\xc3") + frame(0x8a, "between") +
      frame(0x00, "") + frame(0x80, "\xb6") + frame(0x82, bytes({0, 0xff, 0xfe})) + frame(0x81, long_text) +
      frame(0x81, "") + frame(0x88, close_payload(1000, "bye")) + frame(0x81, "late");
  expect_at_every_cut(stream,
      {{"text:one", "ping:", "pong:between", "text:tw\xc3\xb6", "binary:" + bytes({0, 0xff, 0xfe}), "text:" + long_text,
          "text:", "close:1000:bye"}});
}

struct Case {
  std::string name;
  std::string input;
  std::uint16_t error;
  std::vector<std::string> before = {};
};

void expect_refused(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    expect_at_every_cut(c.input, {c.before, c.error});
    expect_at_every_cut(c.input, {c.before, c.error}, WsRole::server,
        kDeflate); // negotiated compression that is not used changes nothing
  }
}

TEST(Rfc6455, S5_1_AClientMasksAndAServerDoesNot) {
  std::string unmasked;
  append_frame(unmasked, Opcode::text, "x");
  expect_refused({{"an unmasked frame", unmasked, 1002}, {"an unmasked close", bytes({0x88, 0x00}), 1002},
      {"behind a masked one", frame(0x81, "x") + unmasked, 1002, {"text:x"}}});
  expect_at_every_cut(frame(0x81, "x"), {{}, 1002}, WsRole::client);
  EXPECT_EQ(decode({bytes({0x81, 0x05})}).error, 1002); // reported at the second byte
}

// Caddy before 2.7 sends one in both directions when it is reloaded; no client does.
TEST(WsDecoder, AnUnmaskedCloseOfAProxyThatIsReloadedIsKnown) {
  const auto error_of = [](const std::string& input, std::size_t cut) {
    Recorder sink;
    WsDecoder decoder(WsRole::server, kMax);
    std::string padded = input + std::string(kPadding, '\0');
    WsError error = decoder.feed({padded.data(), cut}, sink);
    if (error.close == 0) error = decoder.feed({padded.data() + cut, input.size() - cut}, sink);
    return error;
  };
  const std::string going_away = bytes({0x88, 0x02, 0x03, 0xe9});
  for (std::size_t cut = 0; cut <= going_away.size(); ++cut) {
    const WsError error = error_of(going_away, cut);
    EXPECT_EQ(error.close, 1002);
    EXPECT_TRUE(error.unmasked_going_away) << cut;
  }
  for (const auto& other : {bytes({0x88, 0x02, 0x03, 0xe8}), bytes({0x88, 0x00}), bytes({0x88, 0x03, 0x03, 0xe9, 0x61}),
           bytes({0x81, 0x02, 0x03, 0xe9})}) {
    const WsError error = error_of(other, other.size());
    EXPECT_EQ(error.close, 1002);
    EXPECT_FALSE(error.unmasked_going_away);
  }
}

TEST(Rfc6455, S5_2_ReservedBitsAndOpcodesAreToldAtTheFirstByte) {
  std::vector<Case> cases;
  for (const int bits : {0x40, 0x20, 0x10, 0x60, 0x70}) cases.push_back({"bits", frame(0x81 | bits, "x"), 1002});
  cases.erase(cases.begin()); // RSV1 alone depends on the negotiated extensions
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    cases.push_back({"opcode " + std::to_string(opcode), frame(0x80 | opcode, "x"), 1002});
    cases.push_back(
        {"opcode in a message " + std::to_string(opcode), frame(0x01, "x") + frame(0x80 | opcode, "x"), 1002});
    EXPECT_EQ(decode({bytes({0x80 | opcode})}).error, 1002);
  }
  expect_refused(cases);
  expect_at_every_cut(frame(0xc1, "x"), {{}, 1002});
  expect_at_every_cut(frame(0xc9, "x"), {{}, 1002});
  for (const int first : {0xc1, 0xa1, 0x91, 0x90}) EXPECT_EQ(decode({bytes({first})}).error, 1002);
}

TEST(Rfc6455, S5_2_LengthsAreInTheirShortestFormAndOf63Bits) {
  expect_refused({
      {"a 16-bit length of 125", bytes({0x81, 0xfe, 0, 125}), 1002},
      {"a 16-bit length of 0", bytes({0x81, 0xfe, 0, 0}), 1002},
      {"a 64-bit length of 65535", bytes({0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), 1002},
      {"a 64-bit length of 5", bytes({0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 5}), 1002},
      {"a length of 2^63", bytes({0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}), 1002},
      {"a length of 2^64-1", bytes({0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), 1002},
      {"a length of 2^63-1", bytes({0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), 1009},
      {"a length of 2^40", bytes({0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0}), 1009},
  });
  EXPECT_EQ(decode({bytes({0x82, 0xff, 0x80})}).error, 1002); // reported at its first byte
}

TEST(Rfc6455, S5_4_FragmentsFollowOneAnother) {
  expect_refused({
      {"a continuation of nothing", frame(0x80, "x"), 1002},
      {"an unfinished continuation of nothing", frame(0x00, "x"), 1002},
      {"a continuation after a whole message", frame(0x81, "x") + frame(0x80, "y"), 1002, {"text:x"}},
      {"a new text within a message", frame(0x01, "x") + frame(0x81, "y"), 1002},
      {"a new binary within a message", frame(0x01, "x") + frame(0x02, "y"), 1002},
      {"a new text within a message, after a ping", frame(0x01, "x") + frame(0x89, "p") + frame(0x81, "y"), 1002,
          {"ping:p"}},
  });
  expect_at_every_cut(frame(0x01, "") + frame(0x00, "") + frame(0x80, ""), {{"text:"}});
  expect_at_every_cut(
      frame(0x02, "a") + frame(0x89, "p") + frame(0x00, "b") + frame(0x88, ""), {{"ping:p", "close:1005:"}, 0, 2});
}

TEST(Rfc6455, S5_5_ControlFramesAreShortAndWhole) {
  expect_refused({
      {"a fragmented ping", frame(0x09, "x"), 1002},
      {"a fragmented pong", frame(0x0a, "x"), 1002},
      {"a fragmented close", frame(0x08, ""), 1002},
      {"a ping of 126 bytes", frame(0x89, std::string(126, 'x')), 1002},
      {"a pong of 126 bytes", frame(0x8a, std::string(126, 'x')), 1002},
      {"a close of 126 bytes", frame(0x88, close_payload(1000, "") + std::string(124, 'x')), 1002},
      {"a ping with a 16-bit length", bytes({0x89, 0xfe, 0, 4}), 1002},
      {"a ping with a 64-bit length", bytes({0x89, 0xff}), 1002},
  });
  expect_at_every_cut(frame(0x89, std::string(125, 'x')), {{"ping:" + std::string(125, 'x')}});
  expect_at_every_cut(
      frame(0x88, close_payload(1000, std::string(123, 'x'))), {{"close:1000:" + std::string(123, 'x')}});
}

TEST(Rfc6455, S5_5_1_NothingIsReadAfterAClose) {
  expect_at_every_cut(
      frame(0x88, close_payload(1000, "bye")) + frame(0x81, "late") + bytes({0xff, 0xff}), {{"close:1000:bye"}});
  expect_at_every_cut(frame(0x01, "never ends") + frame(0x88, "") + frame(0x80, "late"), {{"close:1005:"}, 0, 10});
}

TEST(Rfc6455, S7_4_OnlyCodesThatMayBeSentAreAccepted) {
  std::vector<Case> cases = {{"half a code", frame(0x88, "x"), 1002}};
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    cases.push_back({"close " + std::to_string(code), frame(0x88, bytes({code >> 8, code & 0xff})), 1002});
  expect_refused(cases);
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3003, 3008, 3999,
           4000, 4401, 4999})
    EXPECT_EQ(decode({frame(0x88, close_payload(static_cast<std::uint16_t>(code), "r"))}),
        (Outcome{{"close:" + std::to_string(code) + ":r"}}))
        << code;
  EXPECT_EQ(decode({frame(0x88, "")}), (Outcome{{"close:1005:"}}));
}

TEST(Rfc6455, S8_1_TextAndCloseReasonsAreUtf8) {
  const auto text_cut = [](std::string_view payload) {
    return frame(0x01, payload.substr(0, 1)) + frame(0x80, payload.substr(1));
  };
  expect_refused({
      {"a close reason", frame(0x88, bytes({0x03, 0xe8, 0xc3})), 1007},
      {"a lone continuation byte", frame(0x81, "\x80"), 1007},
      {"an over-long slash", frame(0x81, "\xc0\xaf"), 1007},
      {"an over-long slash in fragments", text_cut("\xe0\x80\xaf"), 1007},
      {"a surrogate", frame(0x81, "\xed\xa0\x80"), 1007},
      {"a surrogate in fragments", text_cut("\xed\xa0\x80"), 1007},
      {"a value above U+10FFFF", frame(0x81, "\xf4\x90\x80\x80"), 1007},
      {"an unfinished character", frame(0x81, "abcdefgh\xf0\x9f\x98"), 1007},
      {"an unfinished character in fragments", text_cut("x\xf0\x9f\x98"), 1007},
      {"a character in two messages", frame(0x81, "\xc3") + frame(0x81, "\xb6"), 1007},
  });
  expect_at_every_cut(text_cut("\xf0\x9f\x98\x80") + frame(0x82, "\xff"), {{"text:\xf0\x9f\x98\x80", "binary:\xff"}});
}

TEST(Rfc6455, S8_1_TextFailsAtTheFirstByteThatCannotBeUtf8) {
  // 10 of 20 bytes arrived of a first fragment: it is refused before it is complete.
  const std::string whole = frame(0x01,
      "abcdefgh\xc0\xaf"
      "0123456789");
  EXPECT_EQ(decode({std::string_view{whole}.substr(0, 6 + 9)}).error, 1007);
  // Likewise the only frame of a message.
  const std::string only = frame(0x81,
      "abcdefgh\xc0\xaf"
      "0123456789");
  EXPECT_EQ(decode({std::string_view{only}.substr(0, 6 + 9)}).error, 1007);
  const std::string fine = frame(0x01, "abcdefgh\xe2\x82");
  EXPECT_EQ(decode({fine}), (Outcome{{}, 0, 10}));
}

TEST(Rfc6455, S10_4_MessagesOverTheLimitAreToldByTheirLength) {
  expect_refused({
      {"a frame", bytes({0x82, 0xfe, 0x03, 0xe9}), 1009},
      {"fragments", frame(0x02, std::string(600, 'x')) + frame(0x80, std::string(401, 'x')), 1009},
      {"empty fragments without end",
          [] {
    std::string bytes = frame(0x02, "");
    for (int i = 0; i < 1024; ++i) bytes += frame(0x00, "");
    return bytes;
  }(), 1009},
      {"an endless message", frame(0x02, std::string(999, 'x')) + frame(0x00, "") + frame(0x00, "x") + frame(0x00, "x"),
          1009},
  });
  expect_at_every_cut(
      frame(0x02, std::string(600, 'x')) + frame(0x80, std::string(400, 'x')), {{"binary:" + std::string(1000, 'x')}});
}

TEST(WsDecoder, AllocatesWhatCameAndNotWhatWasAnnounced) {
  Recorder sink;
  WsDecoder decoder(WsRole::server, 16 * 1024 * 1024);
  std::string head = bytes({0x82, 0xff, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 1, 2, 3, 4, 'a'});
  const std::size_t size = head.size();
  head.append(kPadding, '\0');
  EXPECT_EQ(decoder.feed({head.data(), size}, sink).close, 0);
  EXPECT_EQ(decoder.buffered(), 1U);
  EXPECT_LE(sizeof(WsDecoder), 32U);
}

TEST(WsDecoder, KeepsNothingBetweenMessages) {
  const std::string text = frame(0x01, "a") + frame(0x80, "b");
  EXPECT_EQ(decode({text}), (Outcome{{"text:ab"}, 0, 0}));
}

TEST(WsDecoder, StopsWhenTheSinkSaysSo) {
  Recorder sink;
  sink.stop_after = 1;
  WsDecoder decoder(WsRole::server, kMax);
  std::string input = frame(0x81, "one") + frame(0x81, "two");
  const std::size_t size = input.size();
  input.append(kPadding, '\0');
  EXPECT_EQ(decoder.feed({input.data(), size}, sink).close, 0);
  EXPECT_EQ(sink.seen, (std::vector<std::string>{"text:one"}));
  std::string again = frame(0x81, "three");
  again.append(kPadding, '\0');
  decoder.feed({again.data(), again.size() - kPadding}, sink);
  EXPECT_EQ(sink.seen.size(), 1U);
}

TEST(WsDecoder, HandsOutAViewIntoTheCallersBytesWhenTheyHoldAWholeFrame) {
  class Where : public Recorder {
   public:
    bool on_message(Opcode, std::string_view payload) override {
      at = payload.data();
      return true;
    }
    const char* at = nullptr;
  } sink;
  WsDecoder decoder(WsRole::server, kMax);
  std::string input = frame(0x81, "in place") + std::string(kPadding, '\0');
  decoder.feed({input.data(), input.size() - kPadding}, sink);
  EXPECT_EQ(sink.at, input.data() + 6);
}

TEST(AppendFrame, WritesTheThreeLengthsAndIsReadBack) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 100000U}) {
    const std::string payload(size, 'z');
    for (const bool masked : {false, true}) {
      std::string out;
      if (masked)
        append_masked_frame(out, Opcode::binary, payload, 0xdeadbeef);
      else
        append_frame(out, Opcode::binary, payload);
      const std::size_t head = (size < 126 ? 2U : size < 65536 ? 4U : 10U) + (masked ? 4U : 0U);
      ASSERT_EQ(out.size(), head + size);
      Recorder sink;
      WsDecoder decoder(masked ? WsRole::server : WsRole::client, 1 << 20);
      out.append(kPadding, '\0');
      ASSERT_EQ(decoder.feed({out.data(), head + size}, sink).close, 0);
      ASSERT_EQ(sink.seen, (std::vector<std::string>{"binary:" + payload}));
    }
  }
}

TEST(ClosePayload, CutsAReasonAtACharacterBoundary) {
  EXPECT_EQ(close_payload(4401, "x"), bytes({0x11, 0x31, 'x'}));
  EXPECT_EQ(close_payload(1005, "x"), "");
  std::string reason(122, 'a');
  reason += "\xe2\x82\xac";
  EXPECT_EQ(close_payload(1000, reason), bytes({0x03, 0xe8}) + std::string(122, 'a'));
  EXPECT_EQ(close_payload(1000, std::string(200, 'b')).size(), 125U);
}

TEST(Mask, TurnsWithThePhaseAndSeesAscii) {
  const MaskKey key = {1, 2, 3, 4};
  for (std::size_t size = 0; size < 100; ++size) {
    std::string expected;
    for (std::size_t i = 0; i < size; ++i) expected.push_back(static_cast<char>('A' ^ key[i % 4]));
    for (std::size_t cut = 0; cut <= size; ++cut) {
      std::string data(size, 'A');
      EXPECT_TRUE(apply_mask(data.data(), cut, key));
      EXPECT_TRUE(apply_mask(data.data() + cut, size - cut, key, cut));
      ASSERT_EQ(data, expected) << size << " cut at " << cut;
    }
    if (size > 0) {
      std::string data(size, 'A');
      data[size / 2] = '\xc1';
      EXPECT_FALSE(apply_mask(data.data(), size, key));
    }
  }
}

TEST(Utf8Stream, AgreesWithTheTableOfTheStandard) {
  // RFC 3629 §4, the edges of every row.
  for (const std::string_view good : {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xec\xbf\xbf", "\xed\x9f\xbf",
           "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf"}) {
    Utf8Stream stream;
    for (const char c : good) EXPECT_TRUE(stream.feed({&c, 1}));
    EXPECT_TRUE(stream.complete());
  }
  for (const std::string_view wrong : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf",
           "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    Utf8Stream stream;
    EXPECT_FALSE(stream.feed(wrong));
  }
}

TEST(Frames, AFrameThatIsMadeInPlaceIsTheOneThatIsAppended) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65'535U, 65'536U, 70'000U}) {
    const std::string payload(size, 'x');
    std::string appended, in_place(kFrameRoom, '?');
    append_frame(appended, Opcode::text, payload);
    in_place += payload;
    frame_in_place(in_place, Opcode::text);
    EXPECT_EQ(in_place, appended) << size;
    EXPECT_EQ(message_of(in_place).payload, payload) << size;
  }
}

} // namespace
} // namespace foyer::wire
