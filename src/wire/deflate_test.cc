#include "wire/deflate.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "wire/testing/ws_world.h"

namespace foyer::wire {
namespace {

constexpr auto kServer = WsRole::server;
constexpr auto kClient = WsRole::client;

// Bytes allocated from the C library; sanitizers have a heap of their own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOYER_OTHER_HEAP
#endif
#endif
#ifdef FOYER_OTHER_HEAP
constexpr bool kSeesHeap = false;
#else
constexpr bool kSeesHeap = true;
#endif
std::size_t in_use() { return mallinfo2().uordblks + mallinfo2().hblkhd; }
std::size_t from_system() { return mallinfo2().arena + mallinfo2().hblkhd; }

std::string packed(std::string_view text, unsigned bits = 15) {
  Deflater deflater(bits, Deflater::Context::none);
  std::string out;
  EXPECT_TRUE(deflater.pack(text, out)) << "does not become shorter";
  return out;
}

// A client's frame that begins a compressed message, whole or not.
std::string packed_frame(std::string_view payload, bool fin = true, Opcode kind = Opcode::text) {
  return frame((fin ? 0xc0 : 0x40) | static_cast<int>(kind), payload);
}

const std::string kHello = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});

// Text that is compressible, but not to nothing.
std::string prose(std::size_t size) {
  std::mt19937 random(1);
  const std::vector<std::string> words = {
      "room", "tea", "alice", "bob", "message", "offset", "2026", "{\"type\":", "}"};
  std::string out;
  while (out.size() < size) out += words[random() % words.size()] + " ";
  out.resize(size);
  return out;
}

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

// RFC 7692 §7.2.3, as printed (a server's frames).

TEST(Rfc7692, S7_2_3_1_AMessageOfOneBlock) {
  expect_at_every_cut(
      bytes({0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}), {{"text:Hello"}}, kClient, kDeflate);
  expect_at_every_cut(
      bytes({0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00}), {{"text:Hello"}}, kClient, kDeflate);
}

TEST(Rfc7692, S7_2_3_2_TheWindowOfTheMessageBefore) {
  const std::string first = bytes({0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  const std::string second = bytes({0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00});
  expect_at_every_cut(first + second, {{"text:Hello", "text:Hello"}}, kClient, kTakeover);
  expect_at_every_cut(first + first, {{"text:Hello", "text:Hello"}}, kClient, kTakeover);
  expect_at_every_cut(
      first + second, {{"text:Hello"}, 1007}, kClient, kDeflate); // no context takeover: there is no window
}

TEST(Rfc7692, S7_2_3_3_ABlockWithoutCompression) {
  expect_at_every_cut(bytes({0xc1, 0x0b, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00}),
      {{"text:Hello"}}, kClient, kDeflate);
}

TEST(Rfc7692, S7_2_3_4_ABlockWithBfinal) {
  const std::string hello = bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00});
  expect_at_every_cut(packed_frame(hello), {{"text:Hello"}}, kServer, kDeflate);
  // In the middle, followed by a reference to data before it.
  const std::string twice = bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}) + bytes({0xf2, 0x00, 0x11, 0x00, 0x00});
  expect_at_every_cut(packed_frame(twice), {{"text:HelloHello"}}, kServer, kDeflate);
  expect_at_every_cut(packed_frame(hello) + packed_frame(bytes({0xf2, 0x00, 0x11, 0x00, 0x00})),
      {{"text:Hello", "text:Hello"}}, kServer, kTakeover);
}

TEST(Rfc7692, S7_2_3_5_TwoBlocksInOneMessage) {
  expect_at_every_cut(
      packed_frame(bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00})),
      {{"text:Hello"}}, kServer, kDeflate);
}

TEST(Rfc7692, S7_2_3_6_AnEmptyFragmentAndAnEmptyMessage) {
  for (const Agreed agreed : {kDeflate, kTakeover}) {
    expect_at_every_cut(packed_frame(bytes({0x00})), {{"text:"}}, kServer, agreed);
    expect_at_every_cut(
        packed_frame(bytes({0x02, 0x00})), {{"text:"}}, kServer, agreed); // an empty block of the fixed code
    expect_at_every_cut(packed_frame(""), {{"text:"}}, kServer, agreed);  // no block at all
    expect_at_every_cut(packed_frame("", false) + frame(0x00, "") + frame(0x80, "") + packed_frame(kHello),
        {{"text:", "text:Hello"}}, kServer, agreed);
    expect_at_every_cut(packed_frame(kHello.substr(0, 6), false) + frame(0x00, "") + frame(0x80, kHello.substr(6)),
        {{"text:Hello"}}, kServer, agreed);
    // The sender did not know the end, so its last flush is one empty block.
    expect_at_every_cut(packed_frame(kHello + std::string{kMessageTail}, false) + frame(0x80, bytes({0x00})),
        {{"text:Hello"}}, kServer, agreed);
  }
}

TEST(Rfc7692, S6_TheBitForCompressionStandsOnFirstFramesOfMessagesOnly) {
  expect_at_every_cut(packed_frame(kHello), {{}, 1002}, kServer, kNoDeflate);
  expect_at_every_cut(
      packed_frame(kHello.substr(0, 3), false) + frame(0xc0, kHello.substr(3)), {{}, 1002}, kServer, kDeflate);
  expect_at_every_cut(frame(0x01, "Hel") + frame(0xc0, "lo"), {{}, 1002}, kServer, kDeflate);
  for (const int opcode : {0x8, 0x9, 0xa}) expect_at_every_cut(frame(0xc0 | opcode, ""), {{}, 1002}, kServer, kDeflate);
  for (const int bits : {0x20, 0x10, 0x60, 0x50, 0x70})
    expect_at_every_cut(frame(0x81 | bits, kHello), {{}, 1002}, kServer, kDeflate);
  for (const char first : {'\xc0', '\xc9', '\xa1', '\xd1'})
    EXPECT_EQ(decode({{&first, 1}}, kServer, kDeflate).error, 1002); // reported at the first byte
}

TEST(Rfc7692, S6_MessagesMayBeCompressedOrNot) {
  const std::string again = bytes({0xf2, 0x00, 0x11, 0x00, 0x00});
  expect_at_every_cut(frame(0x81, "plain") + packed_frame(kHello) + frame(0x82, "as it is") +
          packed_frame(kHello, true, Opcode::binary) + frame(0x81, ""),
      {{"text:plain", "text:Hello", "binary:as it is", "binary:Hello", "text:"}}, kServer, kDeflate);
  // Data that was not compressed is not in the window.
  expect_at_every_cut(packed_frame(kHello) + frame(0x81, "between") + packed_frame(again),
      {{"text:Hello", "text:between", "text:Hello"}}, kServer, kTakeover);
}

TEST(Rfc7692, S6_ControlFramesStandBetweenFragmentsAsTheyAre) {
  expect_at_every_cut(packed_frame(kHello.substr(0, 2), false) + frame(0x89, "p") + frame(0x00, kHello.substr(2, 2)) +
          frame(0x8a, "q") + frame(0x80, kHello.substr(4)) + frame(0x88, ""),
      {{"ping:p", "pong:q", "text:Hello", "close:1005:"}}, kServer, kDeflate);
}

TEST(Rfc7692, S7_2_2_WhatIsNotDeflateIs1007) {
  const struct {
    const char* name;
    std::string payload;
  } cases[] = {
      {"a block of the reserved type", bytes({0x06})},
      {"a stored block whose lengths disagree", bytes({0x00, 0x05, 0x00, 0x00, 0x00, 'H', 'e', 'l', 'l', 'o', 0x00})},
      {"a distance before the beginning", bytes({0xf2, 0x00, 0x11, 0x00, 0x00})},
      {"cut off within a block", kHello.substr(0, 4)},
      {"cut off within a stored block", bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 'H'})},
      {"without its last byte", kHello.substr(0, 6)},
      {"with its tail still there", kHello + std::string{kMessageTail}},
      {"a whole stream that nothing follows", bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})},
      {"a byte too many", kHello + "x"},
      {"a byte behind a whole stream", bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x55})},
      {"gzip", bytes({0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00})},
      {"text", "{\"type\":\"ping\"}"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    for (const Agreed agreed : {kDeflate, kTakeover})
      expect_at_every_cut(packed_frame(c.payload, true, Opcode::binary), {{}, 1007}, kServer, agreed);
  }
  Recorder sink;
  InflaterPool pool;
  WsDecoder decoder(kServer, kMax);
  decoder.allow_deflate(pool, 15, false);
  std::string input = packed_frame(bytes({0x06})) + std::string(kPadding, '\0');
  EXPECT_EQ(decoder.feed({input.data(), input.size() - kPadding}, sink).cause, Cause::INVALID_COMPRESSION);
}

TEST(Rfc6455, S8_1_CompressedTextIsUtf8AndFailsAsSoonAsItIsNot) {
  const std::string wrong = packed("aaaaaaaaaaaaaaaaaaaa\xc0\xaf aaaaaaaaaaaaaaaaaaaaaaaaaaa");
  expect_at_every_cut(packed_frame(wrong), {{}, 1007}, kServer, kDeflate);
  expect_at_every_cut(packed_frame(wrong, false), {{}, 1007}, kServer, kDeflate); // the message need not end
  expect_at_every_cut(packed_frame(wrong, true, Opcode::binary),
      {{"binary:aaaaaaaaaaaaaaaaaaaa\xc0\xaf aaaaaaaaaaaaaaaaaaaaaaaaaaa"}}, kServer, kDeflate);
  const std::string unfinished = packed("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xe2\x82");
  expect_at_every_cut(packed_frame(unfinished), {{}, 1007}, kServer, kDeflate);
  // One character across two fragments, each of them a flush of its own.
  const std::string euro = bytes({0x00, 0x02, 0x00, 0xfd, 0xff, 0xe2, 0x82}),
                    sign = bytes({0x00, 0x01, 0x00, 0xfe, 0xff, 0xac, 0x00});
  expect_at_every_cut(packed_frame(euro, false) + frame(0x80, sign), {{"text:\xe2\x82\xac"}}, kServer, kDeflate);
  Recorder sink;
  InflaterPool pool;
  WsDecoder decoder(kServer, kMax);
  decoder.allow_deflate(pool, 15, false);
  std::string input = packed_frame(wrong) + std::string(kPadding, '\0');
  EXPECT_EQ(decoder.feed({input.data(), input.size() - kPadding}, sink).cause, Cause::INVALID_UTF8);
}

TEST(Rfc7692, S7_2_2_AMessageOfExactlyTheLimitIsReadAndOneByteMoreIsNot) {
  for (const Agreed agreed : {kDeflate, kTakeover}) {
    expect_at_every_cut(
        packed_frame(packed(std::string(kMax, 'a'))), {{"text:" + std::string(kMax, 'a')}}, kServer, agreed);
    for (const std::size_t more : {1U, 2U, 1000U})
      expect_at_every_cut(packed_frame(packed(std::string(kMax + more, 'a'))), {{}, 1009}, kServer, agreed);
  }
}

// A few hundred bytes that expand to 80 KB.
TEST(Rfc7692, S10_ADeflateBombIs1009AndTakesNoMoreThanTheLimit) {
  const std::string bomb = packed(std::string(80'000, '\0'));
  ASSERT_LT(bomb.size(), 400U);
  expect_at_every_cut(packed_frame(bomb, true, Opcode::binary), {{}, 1009}, kServer, kDeflate);
  expect_at_every_cut(packed_frame(bomb, false, Opcode::binary), {{}, 1009}, kServer, kDeflate);
  // 250 KB that expand to 60 MB: the memory used meanwhile stays within the limit.
  const std::string large = packed(std::string(60'000'000, '\0'));
  ASSERT_LT(large.size(), 300'000U);
  std::string input = packed_frame(large, false, Opcode::binary);
  const std::size_t size = input.size();
  input.append(kPadding, '\0');
  Recorder sink;
  InflaterPool pool;
  WsDecoder decoder(kServer, 300'000);
  decoder.allow_deflate(pool, 15, false);
  const std::size_t before = from_system();
  EXPECT_EQ(decoder.feed({input.data(), size}, sink).close, 1009);
  EXPECT_EQ(decoder.buffered(), 0U);
  EXPECT_LT(from_system() - before, 2U * 1024U * 1024U);
}

TEST(Rfc7692, S10_WhatArrivesIsLimitedToo) {
  // Empty blocks: a message that never grows is refused because of its length.
  std::string blocks;
  while (blocks.size() < 2 * kMax) blocks += bytes({0x00, 0x00, 0x00, 0xff, 0xff});
  expect_at_every_cut(packed_frame(blocks), {{}, 1009}, kServer, kDeflate);
  std::string fragments = packed_frame(blocks.substr(0, 500), false);
  for (int i = 0; i < 5; ++i) fragments += frame(0x00, blocks.substr(0, 500));
  expect_at_every_cut(fragments, {{}, 1009}, kServer, kDeflate);
  // Incompressible data may be a little longer than the message.
  const std::string all = noise(kMax);
  const std::string stored =
      bytes({0x00, kMax & 0xff, kMax >> 8, ~kMax & 0xff, (~kMax >> 8) & 0xff}) + all + bytes({0x00});
  expect_at_every_cut(packed_frame(stored, true, Opcode::binary), {{"binary:" + all}}, kServer, kDeflate);
}

TEST(Inflaters, AreThereOnlyWhileAMessageIsUnfinished) {
  InflaterPool pool;
  std::vector<WsDecoder> decoders;
  Recorder sink;
  const std::string all = packed_frame(kHello);
  const auto feed = [&](WsDecoder& decoder, std::string text) {
    text.append(kPadding, '\0');
    return decoder.feed({text.data(), text.size() - kPadding}, sink).close;
  };
  // More messages than inflaters: the rest wait compressed, and are still read.
  const std::size_t many = InflaterPool::kMostLent + 10;
  for (std::size_t i = 0; i < many; ++i) {
    decoders.emplace_back(kServer, kMax).allow_deflate(pool, 15, false);
    ASSERT_EQ(feed(decoders.back(), all.substr(0, 10)), 0);
  }
  EXPECT_EQ(pool.lend(), nullptr);
  for (auto& decoder : decoders) ASSERT_EQ(feed(decoder, all.substr(10)), 0);
  EXPECT_EQ(sink.seen, std::vector<std::string>(many, "text:Hello"));
  auto again = pool.lend();
  EXPECT_NE(again, nullptr);
  pool.take_back(std::move(again));
  // A closed connection returns its inflater.
  for (auto& decoder : decoders) ASSERT_EQ(feed(decoder, all.substr(0, 10)), 0);
  decoders.clear();
  again = pool.lend();
  EXPECT_NE(again, nullptr);
  pool.take_back(std::move(again));
}

TEST(Inflaters, WhatWaitsPackedIsJudgedAtItsEnd) {
  InflaterPool pool;
  std::vector<std::unique_ptr<Inflater>> out;
  while (auto inflater = pool.lend()) out.push_back(std::move(inflater));
  const auto decode_now = [&](const std::string& input) {
    Recorder sink;
    WsDecoder decoder(kServer, kMax);
    decoder.allow_deflate(pool, 15, false);
    std::uint16_t error = 0;
    for (const char c : input) {
      std::string one(1, c);
      one.append(kPadding, '\0');
      if (const auto now = decoder.feed({one.data(), 1}, sink).close; now != 0) error = now;
      EXPECT_LE(decoder.buffered(), kMax + kMax / 8 + 64 + 14);
    }
    return Outcome{sink.seen, error, decoder.buffered()};
  };
  EXPECT_EQ(decode_now(packed_frame(kHello.substr(0, 3), false) + frame(0x89, "p") + frame(0x80, kHello.substr(3))),
      (Outcome{{"ping:p", "text:Hello"}}));
  EXPECT_EQ(decode_now(packed_frame("")), (Outcome{{"text:"}}));
  EXPECT_EQ(decode_now(packed_frame(kHello + "x")), (Outcome{{}, 1007}));
  EXPECT_EQ(decode_now(packed_frame(packed(std::string(30, 'a') + "\xff"))), (Outcome{{}, 1007}));
  EXPECT_EQ(decode_now(packed_frame(packed(std::string(200'000, 'a')))), (Outcome{{}, 1009}));
  for (auto& inflater : out) pool.take_back(std::move(inflater));
}

// Every window, both directions: the server's role reads what a client compressed, and vice versa.
TEST(Rfc7692, S7_1_2_EveryWindowBothWays) {
  for (unsigned bits = 9; bits <= 15; ++bits) {
    for (const auto context : {Deflater::Context::none, Deflater::Context::takeover}) {
      for (const WsRole role : {kServer, kClient}) {
        SCOPED_TRACE(bits);
        const bool takeover = context == Deflater::Context::takeover;
        Deflater deflater(bits, context);
        Recorder sink;
        InflaterPool pool;
        WsDecoder decoder(role, 1 << 20);
        decoder.allow_deflate(pool, bits, takeover);
        std::vector<std::string> expected;
        std::string stream, out;
        for (const std::size_t size : {20U, 300U, 300U, 513U, 5'000U, 5'000U, 70'000U, 300U}) {
          const std::string text = prose(size);
          expected.push_back("text:" + text);
          const bool shorter = deflater.pack(text, out);
          EXPECT_TRUE(shorter || size < 300);
          if (role == kServer)
            append_masked_frame(stream, Opcode::text, shorter ? out : text, 0x11223344, shorter);
          else
            append_frame(stream, Opcode::text, shorter ? out : text, shorter);
        }
        for (std::size_t at = 0; at < stream.size(); at += 333) {
          std::string piece = stream.substr(at, 333);
          const std::size_t size = piece.size();
          piece.append(kPadding, '\0');
          ASSERT_EQ(decoder.feed({piece.data(), size}, sink).close, 0);
        }
        EXPECT_EQ(sink.seen, expected);
      }
    }
  }
}

// zlib writes no raw stream with a window of 8 bits, but reads one.
TEST(Rfc7692, S7_1_2_AWindowOf256BytesIsRead) {
  const std::string near = packed(std::string(250, 'a') + "b");
  for (const Agreed agreed : {Agreed{8, true}, Agreed{8, false}})
    expect_at_every_cut(packed_frame(near) + packed_frame(near),
        {{"text:" + std::string(250, 'a') + "b", "text:" + std::string(250, 'a') + "b"}}, kServer, agreed);
  // After 700 other bytes, a reference to the first ones does not fit into the window.
  const std::string far = noise(300) + std::string(400, 'x');
  Deflater deflater(15, Deflater::Context::takeover);
  std::string first, second;
  ASSERT_TRUE(deflater.pack(far, first));
  ASSERT_TRUE(deflater.pack(far.substr(0, 300), second));
  const std::string stream = packed_frame(first, true, Opcode::binary) + packed_frame(second, true, Opcode::binary);
  EXPECT_EQ(decode({stream}, kServer, {15, true}).seen.size(), 2U);
  EXPECT_EQ(decode({stream}, kServer, {8, true}), (Outcome{{"binary:" + far}, 1007}));
}

TEST(Deflater, GivesUpWhatDoesNotBecomeShorterAndForgetsIt) {
  Deflater deflater(15, Deflater::Context::takeover);
  std::string out;
  const std::string random = noise(500);
  EXPECT_FALSE(deflater.pack(random, out));
  EXPECT_FALSE(deflater.pack("", out));
  EXPECT_FALSE(deflater.pack("a", out));
  // `random` was sent uncompressed, so it is not in the peer's window, and nothing refers to it.
  EXPECT_FALSE(deflater.pack(random, out));
  ASSERT_TRUE(deflater.pack(prose(600), out));
  const std::size_t once = out.size();
  ASSERT_TRUE(deflater.pack(prose(600), out));
  EXPECT_LT(out.size(), once / 4);
}

TEST(Deflater, WritesTheSameWithoutContextHoweverOften) {
  Deflater deflater(15, Deflater::Context::none);
  std::string first, second;
  ASSERT_TRUE(deflater.pack(prose(3000), first));
  EXPECT_FALSE(deflater.pack(noise(300), second));
  ASSERT_TRUE(deflater.pack(prose(3000), second));
  EXPECT_EQ(first, second);
}

TEST(WsDecoder, OwnsNoInflaterBetweenMessagesUnlessItsWindowIsKept) {
  if (!kSeesHeap) GTEST_SKIP() << "the heap is the sanitizer's";
  const auto cost = [](bool takeover) {
    InflaterPool pool;
    Recorder sink;
    std::vector<WsDecoder> decoders;
    const std::string input = packed_frame(kHello);
    for (int i = 0; i < 100; ++i) decoders.emplace_back(kServer, kMax).allow_deflate(pool, 12, takeover);
    const std::size_t before = in_use();
    for (auto& decoder : decoders) {
      for (const char c : input) {
        std::string one(1, c);
        one.append(kPadding, '\0');
        decoder.feed({one.data(), 1}, sink);
      }
    }
    EXPECT_EQ(sink.seen.size(), 100U);
    sink.seen = {};
    return in_use() - before;
  };
  EXPECT_LT(cost(false), 100U * 1024U); // the pool's
  EXPECT_GT(cost(true), 100U * 8U * 1024U);
  EXPECT_LT(cost(true), 100U * 16U * 1024U);
}

} // namespace
} // namespace foyer::wire
