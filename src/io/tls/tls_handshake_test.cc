// TLS handshakes: what is negotiated, and how failures are reported.
#include <gmock/gmock.h>

#include "io/tls/testing/tls_world.h"

using namespace foyer;
using namespace foyer::io;
using namespace foyer::io::test;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

namespace {

const Authority& authority() {
  static const Authority root("root");
  return root;
}
TlsSettings one(const std::string& names = "DNS:chat.example.com") {
  return {.pairs = {authority().issue(names)}, .client_ca = {}, .client_required = true, .tls_1_2 = true};
}

using Session = std::unique_ptr<SSL_SESSION, Releases<SSL_SESSION_free>>;

} // namespace

TEST(TlsHandshake, PlainHttpIsAnsweredInPlainHttp) {
  TlsWorld w(one());
  auto a = w.connect("a");
  a.peer.write("GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n");
  w.turn(2);
  bool ended = false;
  const std::string answer = a.peer.read(&ended);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"PLAIN_ON_TLS_PORT\""));
  EXPECT_THAT(answer, HasSubstr("use https:// or wss://"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, HasSubstr("ref1"));
  EXPECT_TRUE(ended);
  a.peer.close();
  EXPECT_THAT(w.turn(2), ElementsAre("a closed"));
  EXPECT_THAT(
      w.reports, ElementsAre("PLAIN_ON_TLS_PORT: the first byte is a letter, as of an HTTP method from 10.0.0.1"));
  EXPECT_EQ(w.handshakes(), "plain_http 1");
}

TEST(TlsHandshake, GarbageGetsAnAlert) {
  TlsWorld w(one());
  auto a = w.connect("a");
  a.peer.write(std::string_view("\x00\x01\x02", 3));
  w.turn(2);
  EXPECT_EQ(a.peer.read(), std::string_view("\x15\x03\x03\x00\x02\x02\x0a", 7));
  EXPECT_THAT(
      w.reports, ElementsAre("TLS_HANDSHAKE_FAILED: the first byte is not the start of a TLS record from 10.0.0.1"));
  EXPECT_EQ(w.handshakes(), "not_tls 1");
}

TEST(TlsHandshake, OldVersionsAndWeakSuitesAreRefused) {
  {
    TlsWorld w(one());
    auto c = w.client("a", {.max_version = TLS1_1_VERSION});
    EXPECT_FALSE(w.handshake(c));
    EXPECT_EQ(c->alert(), SSL_AD_PROTOCOL_VERSION);
    EXPECT_EQ(w.handshakes(), "no_common_version 1");
    EXPECT_THAT(w.reports, ElementsAre(HasSubstr("no TLS version in common")));
  }
  for (const char* suite : {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
           "ECDHE-RSA-AES128-GCM-SHA256"}) { // no ECDHE, no AEAD, for a key type that we do not have
    TlsWorld w(one());
    auto c = w.client("a", {.version = TLS1_2_VERSION, .suites = suite});
    EXPECT_FALSE(w.handshake(c));
    EXPECT_EQ(c->alert(), SSL_AD_HANDSHAKE_FAILURE) << suite;
    EXPECT_EQ(w.handshakes(), "no_common_suite 1");
  }
}

TEST(TlsHandshake, VersionOneTwoCanBeTurnedOff) {
  auto settings = one();
  settings.tls_1_2 = false;
  TlsWorld w(settings);
  auto old = w.client("old", {.version = TLS1_2_VERSION});
  EXPECT_FALSE(w.handshake(old));
  EXPECT_EQ(old->alert(), SSL_AD_PROTOCOL_VERSION);
  auto now = w.client("now");
  EXPECT_TRUE(w.handshake(now));
  EXPECT_STREQ(SSL_get_version(now->ssl()), "TLSv1.3");
}

TEST(TlsHandshake, AlpnIsHttp11OrNothing) {
  TlsWorld w(one());
  const auto chosen = [](TlsClient& client) {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(client.ssl(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  };
  auto none = w.client("none");
  EXPECT_TRUE(w.handshake(none));
  EXPECT_EQ(chosen(*none.tls), "");
  auto both = w.client("both", {.alpn = "\x02h2\x08http/1.1"});
  EXPECT_TRUE(w.handshake(both));
  EXPECT_EQ(chosen(*both.tls), "http/1.1");
  auto other = w.client("other", {.alpn = "\x02h2"});
  EXPECT_FALSE(w.handshake(other));
  EXPECT_EQ(other->alert(), SSL_AD_NO_APPLICATION_PROTOCOL);
  EXPECT_EQ(w.handshakes(), "full 2, no_common_protocol 1");
  EXPECT_THAT(w.reports, ElementsAre("TLS_HANDSHAKE_FAILED: the client's ALPN offers no http/1.1 from 10.0.0.1"));
}

TEST(TlsHandshake, TheNameThatTheClientAsksForChoosesTheCertificate) {
  TlsSettings settings = one("DNS:chat.example.com");
  settings.pairs.push_back(authority().issue("DNS:other.example.org,DNS:*.rooms.example.org"));
  TlsWorld w(settings);
  const struct {
    const char* asked;
    const char* shown;
  } rows[] = {
      {"", "chat.example.com"},
      {"chat.example.com", "chat.example.com"},
      {"other.example.org", "*.rooms.example.org,other.example.org"},
      {"OTHER.Example.ORG", "*.rooms.example.org,other.example.org"},
      {"tea.rooms.example.org", "*.rooms.example.org,other.example.org"},
      {"a.tea.rooms.example.org", "chat.example.com"}, // one label
      {"rooms.example.org", "chat.example.com"},
      {"unknown.example.net", "chat.example.com"},
  };
  for (const auto& row : rows)
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      auto c = w.client("a", {.version = version, .server_name = row.asked, .trusts = &authority()});
      ASSERT_TRUE(w.handshake(c)) << row.asked;
      std::string names = c->shown_names();
      if (names.find(',') != std::string::npos) names = "*.rooms.example.org,other.example.org";
      EXPECT_EQ(names, row.shown) << row.asked;
    }
}

TEST(TlsHandshake, OneNameMayHaveAKeyOfEachKind) {
  TlsSettings settings = one("DNS:chat.example.com");
  settings.pairs.push_back(authority().issue("DNS:chat.example.com", KeyKind::rsa));
  TlsWorld w(settings);
  auto modern = w.client("modern", {.version = TLS1_2_VERSION});
  ASSERT_TRUE(w.handshake(modern));
  EXPECT_STREQ(SSL_get_cipher_name(modern->ssl()), "ECDHE-ECDSA-AES128-GCM-SHA256");
  auto old =
      w.client("old", {.version = TLS1_2_VERSION, .suites = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"});
  ASSERT_TRUE(w.handshake(old));
  EXPECT_STREQ(SSL_get_cipher_name(old->ssl()), "ECDHE-RSA-AES128-GCM-SHA256") << "our order of preference counts";
}

TEST(TlsHandshake, TheWholeChainIsSent) {
  const Authority middle("middle", &authority());
  TlsWorld w({.pairs = {middle.issue("DNS:chat.example.com", KeyKind::ecdsa, true)},
      .client_ca = {},
      .client_required = true,
      .tls_1_2 = true});
  auto c = w.client("a", {.trusts = &authority()});
  EXPECT_TRUE(w.handshake(c)) << "the client knows only the root";
  EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(c->ssl())), 2);
}

TEST(TlsHandshake, AClientThatDoesNotTrustUsIsReported) {
  const Authority stranger("stranger");
  TlsWorld w(one());
  auto c = w.client("a", {.trusts = &stranger});
  EXPECT_FALSE(w.handshake(c));
  EXPECT_EQ(w.handshakes(), "refused_by_client 1");
  EXPECT_THAT(w.reports, ElementsAre("TLS_HANDSHAKE_FAILED: the client sent the alert \"unknown CA\" from 10.0.0.1"));
}

TEST(TlsHandshake, SessionsAreResumedByTickets) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsWorld w(one());
    auto first = w.client("first", {.version = version});
    ASSERT_TRUE(w.handshake(first));
    first->read(); // the tickets of TLS 1.3
    const Session session{SSL_get1_session(first->ssl())};
    ASSERT_EQ(SSL_SESSION_is_resumable(session.get()), 1);
    EXPECT_EQ(SSL_SESSION_get_max_early_data(session.get()), 0U);
    const auto again = [&](const char* name) {
      auto c = w.client(name,
          {.version = version,
              .resumes =
                  Session{SSL_SESSION_dup(session.get())}.get()}); // a copy: leaving without close_notify spoils it
      EXPECT_TRUE(w.handshake(c));
      c->write("hello");
      EXPECT_THAT(w.turn(), ElementsAre(std::string(name) + " got hello"));
      return SSL_session_reused(c->ssl()) == 1;
    };
    EXPECT_TRUE(again("at once"));
    w.tickets.rotate();
    EXPECT_TRUE(again("one period later")) << "the former key still opens";
    w.tickets.rotate();
    EXPECT_FALSE(again("two periods later"));
    EXPECT_EQ(w.handshakes(), "full 2, resumed 2");
  }
}

TEST(TlsHandshake, WhatATurnHasNoTimeForGoesOnInALaterOne) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsWorld w(one());
    auto c = w.client("a", {.version = version});
    c->step();                                            // ClientHello
    w.loop.costly().later([&] { w.clock.advance(1ms); }); // earlier work uses up the turn
    w.turn();
    EXPECT_EQ(c->peer().read(), "") << "it waits for a later turn";
    w.loop.turn(); // without a limit: it does not wait
    EXPECT_TRUE(w.handshake(c));
    EXPECT_EQ(w.loop.stats().postponed.value(), 2U);
    EXPECT_EQ(w.handshakes(), "full 1");
    c->write("hello");
    EXPECT_THAT(w.turn(), ElementsAre("a got hello"));
  }
}

TEST(TlsHandshake, WhatComesWhileItWaitsStaysInOrder) {
  TlsWorld w(one());
  auto c = w.client("a", {.version = TLS1_3_VERSION});
  c->step();
  w.turn();
  w.loop.costly().later([&] { w.clock.advance(1ms); });
  EXPECT_TRUE(c->step()); // receives the server's flight
  EXPECT_EQ(SSL_do_handshake(c->ssl()), 1);
  c->peer().write(c->take_out()); // Finished
  EXPECT_THAT(w.turn(), IsEmpty());
  w.loop.costly().later([] {}); // it still waits
  c->write("hello");
  c->peer().end_writing();
  EXPECT_THAT(w.turn(3), ElementsAre("a got hello", "a eof"));
}

TEST(TlsHandshake, AClientThatSendsTooMuchWhileItWaitsOrLeavesIsForgotten) {
  TlsWorld w(one());
  auto talker = w.client("talker", {}), leaver = w.client("leaver", {});
  for (auto* c : {&talker, &leaver}) (*c)->step();
  for (int i = 0; i < 50; ++i) w.loop.costly().later([&] { w.clock.advance(1ms); });
  EXPECT_THAT(w.turn(), IsEmpty());
  leaver.handler->transport->abort();
  EXPECT_THAT(w.turn(), ElementsAre("leaver closed"));
  for (int i = 0; i < 7; ++i) {
    talker->peer().write(std::string(10'000, 'x'));
    w.loop.turn();
  }
  w.loop.turn();
  EXPECT_THAT(w.story, ElementsAre("leaver closed", "talker closed"));
  w.turn(60); // the connection of the waiting work is gone
}

TEST(TlsHandshake, ClientCertificatesAreAskedForAndJudged) {
  const Authority staff("staff"), stranger("stranger");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (const bool required : {true, false}) {
      auto settings = one();
      settings.client_ca = staff.certificate();
      settings.client_required = required;
      TlsWorld w(settings);
      const auto tries = [&](const char* name, std::optional<TlsPair> shows) {
        auto c = w.client(name, {.version = version, .shows = std::move(shows)});
        const bool done = w.handshake(c); // in TLS 1.3 a client is done before its certificate is verified
        c->read();
        return done && c->alert() == 0 ? 0 : c->alert();
      };
      EXPECT_EQ(tries("member", staff.issue("DNS:member")), 0);
      const int missing = tries("nobody", {});
      EXPECT_EQ(missing,
          !required                       ? 0
              : version == TLS1_3_VERSION ? SSL_AD_CERTIFICATE_REQUIRED
                                          : SSL_AD_HANDSHAKE_FAILURE);
      EXPECT_EQ(tries("stranger", stranger.issue("DNS:member")), SSL_AD_UNKNOWN_CA);
      EXPECT_EQ(w.handshakes(), required ? "full 1, client_certificate 2" : "full 2, client_certificate 1");
      EXPECT_THAT(w.reports.back(), HasSubstr("the client's certificate is not trusted: "));
    }
}

TEST(TlsHandshake, AnAuthorityForClientsNeedsNoRoot) {
  const Authority root("a root"), staff("staff", &root);
  auto settings = one();
  settings.client_ca = staff.certificate();
  TlsWorld w(settings);
  auto member = w.client("member", {.shows = staff.issue("DNS:member")});
  EXPECT_TRUE(w.handshake(member));
  EXPECT_EQ(w.handshakes(), "full 1");
  auto of_root = w.client("of the root", {.shows = root.issue("DNS:member")});
  w.handshake(of_root);
  of_root->read();
  EXPECT_EQ(of_root->alert(), SSL_AD_UNKNOWN_CA) << "an issuer that is not listed is not trusted";
}

TEST(TlsHandshake, ASessionIsNotResumedOnceOtherClientsAreBelieved) {
  const Authority staff("staff"), other("other");
  auto settings = one();
  settings.client_ca = staff.certificate();
  TlsWorld w(settings);
  const TlsPair member = staff.issue("DNS:member");
  auto first = w.client("first", {.shows = member});
  ASSERT_TRUE(w.handshake(first));
  first->read();
  const Session session{SSL_get1_session(first->ssl())};
  settings.client_ca = other.certificate();
  w.server.replace(w.made(settings));
  auto again = w.client("again", {.shows = member, .resumes = session.get()});
  w.handshake(again);
  again->read();
  EXPECT_EQ(SSL_session_reused(again->ssl()), 0);
  EXPECT_EQ(again->alert(), SSL_AD_UNKNOWN_CA);
}

TEST(TlsHandshake, AnotherCertificateIsForNewConnectionsAlone) {
  TlsWorld w(one("DNS:old.example.com"));
  auto before = w.client("before");
  ASSERT_TRUE(w.handshake(before));
  auto halfway = w.client("halfway", {.server_name = "old.example.com"});
  halfway->step();
  w.turn();
  w.server.replace(w.made(one("DNS:new.example.com")));
  ASSERT_TRUE(w.handshake(halfway));
  EXPECT_EQ(halfway->shown_names(), "old.example.com");
  auto after = w.client("after");
  ASSERT_TRUE(w.handshake(after));
  EXPECT_EQ(after->shown_names(), "new.example.com");
  before->write("still here");
  EXPECT_THAT(w.turn(), ElementsAre("before got still here"));
  before.handler->transport->send_copy("so am I");
  w.turn();
  EXPECT_EQ(before->read(), "so am I");
}

TEST(TlsHandshake, WhatCannotBeServedIsRefusedWithoutItsContent) {
  FixedEntropy entropy;
  TicketKeys tickets{entropy};
  const TlsPair good = authority().issue("DNS:a.example"), other = authority().issue("DNS:a.example");
  const auto cause = [&](const TlsSettings& settings) {
    const auto made = TlsContext::make(settings, tickets);
    return made ? Cause::INTERNAL_ERROR : made.error().cause;
  };
  EXPECT_EQ(cause({.pairs = {}, .client_ca = {}, .client_required = true, .tls_1_2 = true}), Cause::FILE_UNREADABLE);
  EXPECT_EQ(cause({.pairs = {{.certificates = "no", .key = good.key}},
                .client_ca = {},
                .client_required = true,
                .tls_1_2 = true}),
      Cause::FILE_UNREADABLE);
  EXPECT_EQ(cause({.pairs = {{.certificates = good.certificates, .key = "no"}},
                .client_ca = {},
                .client_required = true,
                .tls_1_2 = true}),
      Cause::FILE_UNREADABLE);
  EXPECT_EQ(cause({.pairs = {{.certificates = good.certificates, .key = other.key}},
                .client_ca = {},
                .client_required = true,
                .tls_1_2 = true}),
      Cause::KEY_PAIR_MISMATCH);
  EXPECT_EQ(
      cause({.pairs = {good}, .client_ca = "no", .client_required = true, .tls_1_2 = true}), Cause::FILE_UNREADABLE);
}
