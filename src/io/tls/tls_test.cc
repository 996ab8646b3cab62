// TLS as a transport: bytes both ways, boundaries, backpressure, ends.
#include <gmock/gmock.h>

#include <numeric>

#include "io/tls/testing/tls_world.h"

using namespace foyer;
using namespace foyer::io;
using namespace foyer::io::test;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const Authority& authority() {
  static const Authority root("root");
  return root;
}
const TlsPair& pair_of(KeyKind kind) {
  static const TlsPair ecdsa = authority().issue("DNS:chat.example.com"),
                       rsa = authority().issue("DNS:chat.example.com", KeyKind::rsa);
  return kind == KeyKind::ecdsa ? ecdsa : rsa;
}
TlsSettings settings(KeyKind kind = KeyKind::ecdsa) {
  return {.pairs = {pair_of(kind)}, .client_ca = {}, .client_required = true, .tls_1_2 = true};
}

std::string counting(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  return out;
}

} // namespace

TEST(Tls, BytesGoBothWaysInEveryVersionWithEveryKindOfKey) {
  for (const KeyKind kind : {KeyKind::ecdsa, KeyKind::rsa})
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsWorld w(settings(kind));
      auto c = w.client("a", {.version = version, .trusts = &authority()});
      ASSERT_TRUE(w.handshake(c));
      EXPECT_TRUE(c.handler->transport->secure());
      EXPECT_EQ(c.handler->transport->peer_address(), "10.0.0.1");
      c->write("hello");
      EXPECT_THAT(w.turn(), ElementsAre("a got hello"));
      c.handler->transport->send(share("wel"));
      c.handler->transport->send_copy("come");
      EXPECT_EQ(c.handler->transport->queued(), 7U);
      EXPECT_EQ(c->read(), "") << "nothing is written before the end of the turn";
      const auto sends = w.loop.stats().sends.value();
      w.turn();
      EXPECT_EQ(c->read(), "welcome");
      EXPECT_EQ(c.handler->transport->queued(), 0U);
      EXPECT_EQ(w.loop.stats().sends.value(), sends + 1) << "one system call";
      EXPECT_EQ(w.handshakes(), "full 1");
      EXPECT_THAT(w.reports, IsEmpty());
    }
}

TEST(Tls, WhatATurnHasToSendIsOneRecord) {
  TlsWorld w(settings());
  auto c = w.client("a", {.version = TLS1_3_VERSION});
  ASSERT_TRUE(w.handshake(c));
  c->read(); // the tickets
  for (int i = 0; i < 16; ++i) c.handler->transport->send(share(std::string(250, 'x')));
  w.turn();
  const std::string record = c->peer().read();
  EXPECT_EQ(record.size(), 5U + 16 * 250 + 1 + 16) << "header, plaintext, its type, the tag (RFC 8446 §5.2)";
  c->hear(record);
  EXPECT_EQ(c->read(), std::string(4000, 'x'));
}

TEST(Tls, CiphertextMayBeSplitAnywhere) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (const std::size_t piece : {1U, 2U, 7U, 1000U}) {
      TlsWorld w(settings());
      auto c = w.client("a", {.version = version});
      const auto say = [&](std::string bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
          c->peer().write(std::string_view{bytes}.substr(at, piece));
          w.loop.turn(0ms);
        }
      };
      for (int i = 0; i < 5; ++i) {
        SSL_do_handshake(c->ssl());
        say(c->take_out());
        c->hear(c->peer().read());
      }
      ASSERT_TRUE(SSL_is_init_finished(c->ssl()));
      c.handler->quiet = true;
      const std::string text = counting(3000);
      ASSERT_GT(SSL_write(c->ssl(), text.data(), static_cast<int>(text.size())), 0);
      say(c->take_out());
      EXPECT_EQ(c.handler->received, text);
      c.handler->transport->send_copy("got it");
      w.turn();
      EXPECT_EQ(c->read(), "got it");
    }
}

TEST(Tls, MuchComesInWhole) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  c.handler->quiet = true;
  const std::string text = counting(5'000'000);
  ASSERT_GT(SSL_write(c->ssl(), text.data(), static_cast<int>(text.size())), 0);
  const std::string cipher = c->take_out();
  std::size_t sent = 0;
  for (int i = 0; i < 100'000 && c.handler->received.size() < text.size(); ++i) {
    const ssize_t n = sent == cipher.size()
        ? 0
        : ::send(c->peer().fd(), cipher.data() + sent, cipher.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<std::size_t>(n);
    w.turn();
  }
  EXPECT_TRUE(c.handler->received == text);
}

TEST(Tls, ASlowReaderGetsEverythingInTheEndAndTheHandlerIsCalledOnce) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  std::string expected;
  for (int i = 0; i < 400; ++i) {
    const auto part = share(counting(i % 3 == 0 ? 40'000 : 300));
    expected += *part;
    c.handler->transport->send(part);
  }
  EXPECT_EQ(c.handler->transport->queued(), expected.size());
  EXPECT_THAT(w.turn(), IsEmpty());
  EXPECT_GT(c.handler->transport->queued(), 0U);
  EXPECT_FALSE(c.handler->transport->send_within(share("too much"), 1000));
  EXPECT_TRUE(c.handler->transport->send_within(share("the end"), 1 << 30));
  expected += "the end";
  std::string got;
  std::vector<std::string> story;
  for (int i = 0; i < 100'000 && got.size() < expected.size(); ++i) {
    c->hear(c->peer().read(nullptr, 7'001));
    char buffer[16384];
    for (int n = 0; (n = SSL_read(c->ssl(), buffer, sizeof buffer)) > 0;)
      got.append(buffer, static_cast<std::size_t>(n));
    for (auto& event : w.turn()) story.push_back(event);
  }
  EXPECT_TRUE(got == expected);
  EXPECT_THAT(story, ElementsAre("a drained"));
  EXPECT_EQ(c.handler->transport->queued(), 0U);
}

TEST(Tls, DroppingTheQueueFinishesTheUnitThatWasBegun) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  for (int i = 0; i < 100; ++i) c.handler->transport->send(share(counting(50'000)));
  w.turn();
  const std::size_t queued = c.handler->transport->queued();
  const std::size_t dropped = c.handler->transport->drop_queue();
  EXPECT_GT(dropped, 3'000'000U);
  EXPECT_LT(queued - dropped, 3 * 50'000U) << "the encrypted part and the unit it ends in";
  c.handler->transport->send_copy("close");
  std::string got;
  for (int i = 0; i < 1000; ++i) {
    got += c->read();
    w.turn();
  }
  EXPECT_EQ(got.size() % 50'000, 5U);
  EXPECT_TRUE(got.ends_with("close"));
}

TEST(Tls, ClosingGracefullySaysEverythingThenCloseNotifyThenEnds) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  const std::string text = counting(2'000'000);
  c.handler->transport->send(share(text));
  c.handler->transport->close_gracefully(5s);
  c.handler->transport->send_copy("too late");
  std::string got;
  for (int i = 0; i < 1000 && !c->ended; ++i) {
    w.turn();
    got += c->read();
  }
  EXPECT_TRUE(got == text);
  EXPECT_TRUE(c->notified);
  EXPECT_TRUE(c->ended) << "writing is shut down";
  EXPECT_THAT(w.turn(), IsEmpty());
  c->peer().close();
  EXPECT_THAT(w.turn(), ElementsAre("a closed"));
}

TEST(Tls, APeerThatDoesNotReadAtTheEndIsAbandoned) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  c.handler->transport->send(share(counting(2'000'000)));
  c.handler->transport->close_gracefully(2s);
  EXPECT_THAT(w.turn(3), IsEmpty());
  w.clock.advance(3s);
  EXPECT_THAT(w.turn(2), ElementsAre("a closed"));
}

TEST(Tls, ASlowPeerIsWaitedForAtTheEndWhileItTakesSomething) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  const std::string much = counting(8'000'000);
  c.handler->transport->send(share(much));
  c.handler->transport->close_gracefully(2s);
  std::string got;
  while (!c->notified && got.size() <= much.size()) {
    EXPECT_THAT(w.turn(3), IsEmpty()) << "after " << got.size();
    w.clock.advance(1500ms);
    got += c->read();
  }
  EXPECT_TRUE(got == much);
}

TEST(Tls, CloseNotifyAndABareEndAreBothTheEndOfThePeer) {
  TlsWorld w(settings());
  auto a = w.client("a");
  ASSERT_TRUE(w.handshake(a));
  SSL_write(a->ssl(), "bye", 3);
  SSL_shutdown(a->ssl());
  a->peer().write(a->take_out());
  EXPECT_THAT(w.turn(), ElementsAre("a got bye", "a eof"));
  a->peer().end_writing();
  EXPECT_THAT(w.turn(), IsEmpty()) << "reported once";
  a.handler->transport->send_copy("still here");
  w.turn();
  EXPECT_EQ(a->read(), "still here");

  auto b = w.client("b");
  ASSERT_TRUE(w.handshake(b));
  b->peer().end_writing();
  EXPECT_THAT(w.turn(), ElementsAre("b eof"));
  b.handler->transport->abort();
  EXPECT_THAT(w.turn(), ElementsAre("b closed"));
}

TEST(Tls, AnAbortFromInsideOnBytesEndsItAtOnce) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  c.handler->act = [&] { c.handler->transport->abort(); };
  c->write("one");
  c->write("two");
  EXPECT_THAT(w.turn(), ElementsAre("a got onetwo", "a closed"));
}

TEST(Tls, AForgedRecordEndsTheConnectionWithAnAlert) {
  TlsWorld w(settings());
  auto c = w.client("a");
  ASSERT_TRUE(w.handshake(c));
  ASSERT_GT(SSL_write(c->ssl(), "good", 4), 0);
  std::string good = c->take_out();
  ASSERT_GT(SSL_write(c->ssl(), "bad", 3), 0);
  std::string bad = c->take_out();
  bad.back() ^= 1;
  c->peer().write(good + bad);
  EXPECT_THAT(w.turn(), ElementsAre("a got good"));
  c->read();
  EXPECT_EQ(c->alert(), SSL_AD_BAD_RECORD_MAC);
  c->peer().close();
  EXPECT_THAT(w.turn(), ElementsAre("a closed"));
}

TEST(Tls, AFloodOfKeyUpdatesWithoutReadingIsCutOff) {
  TlsWorld w(settings());
  auto c = w.client("a", {.version = TLS1_3_VERSION}, 4096);
  ASSERT_TRUE(w.handshake(c));
  bool closed = false;
  for (int i = 0; i < 40'000 && !closed; ++i) {
    SSL_key_update(c->ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(c->ssl());
    // No answer is read, so the client cannot know that it came: it only counts requests.
    c->peer().write(c->take_out());
    for (const auto& event : w.turn()) closed = closed || event == "a closed";
  }
  EXPECT_TRUE(closed);
}

TEST(Tls, NobodyMayNegotiateAgain) {
  TlsWorld w(settings());
  auto c = w.client("a", {.version = TLS1_2_VERSION});
  ASSERT_TRUE(w.handshake(c));
  SSL_renegotiate(c->ssl());
  SSL_do_handshake(c->ssl());
  c->peer().write(c->take_out());
  w.turn();
  c->hear(c->peer().read());
  ERR_clear_error();
  EXPECT_LE(SSL_do_handshake(c->ssl()), 0);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
}

TEST(Tls, WhatIsSaidBeforeTheHandshakeIsDoneWaitsForIt) {
  TlsWorld w(settings());
  auto c = w.client("a");
  c.handler->transport->send_copy("we are full");
  c.handler->transport->close_gracefully(5s);
  w.turn();
  EXPECT_EQ(c->peer().read(), "") << "no plaintext";
  ASSERT_TRUE(w.handshake(c));
  w.turn();
  EXPECT_EQ(c->read(), "we are full");
  EXPECT_TRUE(c->notified);
}

TEST(Tls, AClientThatNeverEndsTheHandshakeIsClosedLikeAnyOther) {
  TlsWorld w(settings());
  auto c = w.client("a");
  c->step();
  w.turn();
  c.handler->transport->close_gracefully(1s); // as after header_timeout
  w.turn();
  c->peer().close();
  EXPECT_THAT(w.turn(), ElementsAre("a closed"));
  EXPECT_EQ(w.handshakes(), "given_up 1");
  EXPECT_THAT(w.reports, IsEmpty());
}

TEST(Tls, AClientThatLeavesInTheMiddleIsCounted) {
  TlsWorld w(settings());
  auto silent = w.client("silent"); // opens the connection and nothing more
  auto a = w.client("a");
  a->step();
  w.turn();
  a->peer().close();
  silent->peer().close();
  w.turn();
  a.handler->transport->abort();
  w.turn();
  EXPECT_EQ(w.handshakes(), "gone 1");
}
