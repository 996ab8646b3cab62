#include <openssl/x509_vfy.h>

#include "doctor/testing/facts.h"

namespace foyer::doctor {
namespace {

using namespace testing; // NOLINT: facts written by hand
using enum Confidence;
using Connect = ConnectFacts::Result;
using Tls = TlsFacts::Result;

Facts unconnected(std::vector<ConnectFacts> connects) {
  Facts out = reached();
  out.connects = std::move(connects);
  out.address.clear();
  out.tls.reset();
  out.health.reset();
  out.plain.reset();
  return out;
}

Facts with_tls(TlsFacts tls) {
  Facts out = unconnected(reached().connects);
  out.address = "192.0.2.7";
  out.tls = std::move(tls);
  return out;
}

Facts with_errors(std::vector<int> errors) {
  Facts out = well();
  out.tls->verify_errors = std::move(errors);
  return out;
}

TEST(JudgeReach, AServerThatIsWellIsLeftAlone) { EXPECT_EQ(verdict_on(well()), "works"); }

TEST(JudgeReach, NamesAreToldFromResolvers) {
  Facts facts = unconnected({});
  facts.name = {.result = NameFacts::Result::unknown, .addresses = {}, .detail = "Name or service not known"};
  EXPECT_EQ(verdict_on(facts), found(Finding::DNS_NXDOMAIN));
  facts.name.result = NameFacts::Result::failed;
  EXPECT_EQ(verdict_on(facts), found(Finding::DNS_SERVFAIL_OR_TIMEOUT));
  facts.name.result = NameFacts::Result::fault;
  EXPECT_EQ(verdict_on(facts), "open") << "a fault of this machine says nothing about the name";
}

TEST(JudgeReach, ConnectionsAreToldByTheirEnd) {
  const auto all = [](Connect result) {
    return verdict_on(unconnected({{.result = result, .address = "192.0.2.7", .detail = {}},
        {.result = result, .address = "192.0.2.8", .detail = {}}}));
  };
  EXPECT_EQ(all(Connect::refused), found(Finding::TCP_REFUSED));
  EXPECT_EQ(all(Connect::unreachable), found(Finding::TCP_UNREACHABLE));
  EXPECT_EQ(all(Connect::silent), found(Finding::TCP_FILTERED, likely));
  EXPECT_EQ(all(Connect::fault), "open");
}

TEST(JudgeReach, OneAddressThatRefusesAndOneThatIsSilentAreAFirewall) {
  EXPECT_EQ(verdict_on(unconnected({{.result = Connect::refused, .address = "2001:db8::7", .v6 = true, .detail = {}},
                {.result = Connect::silent, .address = "192.0.2.7", .detail = {}}})),
      found(Finding::TCP_FILTERED, likely));
}

TEST(JudgeReach, ADeadIPv6AddressIsNamedOnlyWhenNothingElseIsWrong) {
  Facts facts = well();
  facts.connects.insert(
      facts.connects.begin(), {.result = Connect::silent, .address = "2001:db8::7", .v6 = true, .detail = {}});
  EXPECT_EQ(verdict_on(facts), found(Finding::DNS_V6_DEAD));
  facts.connects.front().result = Connect::unreachable;
  EXPECT_EQ(verdict_on(facts), "works") << "this machine has no IPv6: that says nothing about the server's";
  facts.connects.front().result = Connect::silent;
  facts.second = answer(503);
  EXPECT_EQ(verdict_on(facts), found(Finding::SECOND_REFUSED, likely));
}

TEST(JudgeReach, PortsThatBrowsersBlock) {
  Facts facts = well();
  facts.url.port = 6000;
  EXPECT_EQ(verdict_on(facts), found(Finding::BROWSER_BLOCKED_PORT));
}

TEST(JudgeReach, CertificatesByWhatOpensslSays) {
  EXPECT_EQ(verdict_on(with_errors({X509_V_ERR_CERT_HAS_EXPIRED})), found(Finding::TLS_CERT_EXPIRED));
  EXPECT_EQ(verdict_on(with_errors({X509_V_ERR_CERT_NOT_YET_VALID})), found(Finding::TLS_CERT_NOT_YET_VALID));
  EXPECT_EQ(verdict_on(with_errors({X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT})), found(Finding::TLS_SELF_SIGNED));
  EXPECT_EQ(verdict_on(with_errors({X509_V_ERR_HOSTNAME_MISMATCH})), found(Finding::TLS_NAME_MISMATCH));
  EXPECT_EQ(verdict_on(with_errors({X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN})), found(Finding::TLS_AUTHORITY_UNKNOWN));
}

TEST(JudgeReach, AMissingIntermediateIsToldFromAnUnknownAuthority) {
  Facts facts = with_errors({X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY});
  facts.tls->chain = 1;
  EXPECT_EQ(verdict_on(facts), found(Finding::TLS_CHAIN_INCOMPLETE));
  facts.tls->leaf->names_its_issuer = false;
  EXPECT_EQ(verdict_on(facts), found(Finding::TLS_AUTHORITY_UNKNOWN)) << "only public authorities say where it is";
}

TEST(JudgeReach, TlsIsToldByItsAlert) {
  EXPECT_EQ(verdict_on(with_tls({.result = Tls::alert, .alert = 120})), found(Finding::TLS_ALPN_H2_ONLY));
  EXPECT_EQ(verdict_on(with_tls({.result = Tls::alert, .alert = 70})), found(Finding::TLS_VERSION_OR_CIPHER, likely));
  EXPECT_EQ(verdict_on(with_tls({.result = Tls::alert, .alert = 112})), found(Finding::TLS_REFUSED, likely));
  EXPECT_EQ(verdict_on(with_tls({.result = Tls::alert, .alert = 40, .client_certificate_wanted = true})),
      found(Finding::TLS_CLIENT_CERT_REQUIRED));
  Facts old = with_tls({.result = Tls::alert, .alert = 40});
  EXPECT_EQ(verdict_on(old), found(Finding::TLS_REFUSED, likely));
  old.tls_old = TlsFacts{.version = "TLSv1"};
  EXPECT_EQ(verdict_on(old), found(Finding::TLS_VERSION_OR_CIPHER));
}

TEST(JudgeReach, AClientCertificateMissedAfterTheHandshake) {
  Facts facts = with_tls(good_tls());
  facts.tls->client_certificate_wanted = true;
  facts.health = facts.plain = no_answer(Ending::reset);
  EXPECT_EQ(verdict_on(facts), found(Finding::TLS_CLIENT_CERT_REQUIRED));
}

TEST(JudgeReach, PlainTextOnThePortOfAWssUrl) {
  EXPECT_EQ(verdict_on(with_tls({.result = Tls::not_tls, .first_bytes = "HTTP/1.1 400 Bad Request\r\n"})),
      found(Finding::TLS_PEER_IS_PLAINTEXT));
  EXPECT_EQ(
      verdict_on(with_tls({.result = Tls::not_tls, .first_bytes = "SSH-2.0-OpenSSH_9.2"})), found(Finding::NOT_HTTP));
  Facts silent = with_tls({.result = Tls::silent});
  EXPECT_EQ(verdict_on(silent), found(Finding::SERVER_SILENT, likely));
  silent.plain_on_tls = answer(200);
  EXPECT_EQ(verdict_on(silent), found(Finding::TLS_PEER_IS_PLAINTEXT));
}

TEST(JudgeReach, APortThatEndsEveryConnection) {
  Facts facts = reached("ws://chat.example/ws");
  facts.health = facts.plain = no_answer(Ending::finished);
  EXPECT_EQ(verdict_on(facts), found(Finding::TCP_RESET_AFTER_ACCEPT));
  facts.health = facts.plain = no_answer(Ending::silent);
  EXPECT_EQ(verdict_on(facts), found(Finding::SERVER_SILENT));
  facts.health = facts.plain = no_answer(Ending::silent, "220 mail.example ESMTP\r\n");
  EXPECT_EQ(verdict_on(facts), found(Finding::NOT_HTTP));
  facts.health = facts.plain = no_answer(Ending::fault);
  EXPECT_EQ(verdict_on(facts), "open");
}

TEST(JudgeReach, TlsOnThePortOfAWsUrl) {
  Facts facts = reached("ws://chat.example/ws");
  facts.health = facts.plain = answer(400, {{"Server", "nginx"}}, "The plain HTTP request was sent to HTTPS port");
  facts.tls_on_plain = good_tls();
  EXPECT_EQ(verdict_on(facts), found(Finding::TLS_REQUIRED));
  facts.plain = answer(400, {{"X-Foyer", "1"}}, R"({"code":"PLAIN_ON_TLS_PORT"})");
  EXPECT_EQ(verdict_on(facts), "PLAIN_ON_TLS_PORT proved") << "Foyer names it itself";
}

TEST(JudgeReach, WhatIsWorthKnowingIsNoFault) {
  Facts facts = well();
  facts.tls_nameless = good_tls();
  facts.tls_nameless->leaf->fingerprint = "bb";
  facts.health = answer(200, {{"Date", "Sun, 15 Jun 2025 15:06:41 GMT"}}); // 1,750,000,001
  const Verdict verdict = judge(facts);
  EXPECT_EQ(verdict.kind, Verdict::Kind::works);
  EXPECT_THAT(verdict.notes, ::testing::ElementsAre(::testing::StartsWith(info(Finding::TLS_SNI_DEFAULT_CERT).code)));
  facts.now += std::chrono::seconds{90};
  EXPECT_THAT(judge(facts).notes, ::testing::Contains(::testing::HasSubstr("89 s behind")));
}

} // namespace
} // namespace foyer::doctor
