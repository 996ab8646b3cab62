// Names, TCP and TLS.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "doctor/describe.h"
#include "doctor/judge.h"
#include "doctor/stream.h"

namespace foyer::doctor {
namespace {

using ConnectResult = ConnectFacts::Result;
using TlsResult = TlsFacts::Result;

// "Bad ports" of the Fetch standard, §2.9.
constexpr std::array<std::uint16_t, 83> kBadPorts = {0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53,
    69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389,
    427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719,
    1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};

bool all_are(const Facts& facts, ConnectResult result) {
  return !facts.connects.empty() &&
      std::ranges::all_of(facts.connects, [result](const auto& each) { return each.result == result; });
}

bool has(const TlsFacts& tls, std::initializer_list<int> errors) {
  return std::ranges::any_of(
      errors, [&](int error) { return std::ranges::find(tls.verify_errors, error) != tls.verify_errors.end(); });
}

std::string days_between(WallTime earlier, WallTime later) {
  const auto hours = std::chrono::floor<std::chrono::hours>(later - earlier).count();
  return hours < 48 ? fmt::format("{} hours", hours) : fmt::format("{} days", hours / 24);
}

std::optional<Diagnosis> judge_certificate(const Facts& facts, const TlsFacts& tls) {
  if (tls.verify_errors.empty() || !tls.leaf) return std::nullopt;
  const Certificate& leaf = *tls.leaf;
  const std::string seen = describe(tls);
  const auto found = [&](Finding finding, std::string why) {
    return diagnosis(facts, finding, Confidence::proved, {seen, std::move(why)});
  };
  if (has(tls, {X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH}))
    return found(Finding::TLS_NAME_MISMATCH,
        fmt::format("the URL says {}, the certificate says {}", facts.url.host,
            leaf.names.empty() ? leaf.subject : fmt::format("{}", fmt::join(leaf.names, ", "))));
  if (has(tls, {X509_V_ERR_CERT_HAS_EXPIRED}))
    return found(Finding::TLS_CERT_EXPIRED,
        leaf.not_after < facts.now
            ? fmt::format("expired {} ago, at {}", days_between(leaf.not_after, facts.now), rfc3339(leaf.not_after))
            : "a certificate of its authorities has expired");
  if (has(tls, {X509_V_ERR_CERT_NOT_YET_VALID}))
    return found(Finding::TLS_CERT_NOT_YET_VALID,
        fmt::format("valid from {}; this machine's clock says {}", rfc3339(leaf.not_before), rfc3339(facts.now)));
  if (has(tls, {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT}))
    return found(Finding::TLS_SELF_SIGNED, "the certificate is its own issuer");
  if (tls.chain == 1 && leaf.names_its_issuer &&
      has(tls, {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE}))
    return found(Finding::TLS_CHAIN_INCOMPLETE,
        fmt::format(
            "one certificate was sent, its issuer {} was not, and it says where that is to be had", leaf.issuer));
  return found(
      Finding::TLS_AUTHORITY_UNKNOWN, fmt::format("{} certificate(s) were sent; issued by {}", tls.chain, leaf.issuer));
}

std::optional<Diagnosis> judge_alert(const Facts& facts, const TlsFacts& tls) {
  std::vector<std::string> seen = {describe(tls)};
  if (tls.alert == 120) return diagnosis(facts, Finding::TLS_ALPN_H2_ONLY, Confidence::proved, std::move(seen));
  if (tls.client_certificate_wanted || tls.alert == 116) {
    seen.emplace_back("the server asked for a client certificate before it ended the handshake");
    return diagnosis(facts, Finding::TLS_CLIENT_CERT_REQUIRED, Confidence::proved, std::move(seen));
  }
  if (facts.tls_old && facts.tls_old->result == TlsResult::done) {
    seen.push_back("with older versions allowed: " + facts.tls_old->version + " " + facts.tls_old->cipher);
    return diagnosis(facts, Finding::TLS_VERSION_OR_CIPHER, Confidence::proved, std::move(seen));
  }
  if (tls.alert == 70 || tls.alert == 71 || tls.detail.find("unsupported protocol") != std::string::npos)
    return diagnosis(facts, Finding::TLS_VERSION_OR_CIPHER, Confidence::likely, std::move(seen));
  return diagnosis(
      facts, Finding::TLS_REFUSED, tls.alert == 0 ? Confidence::possible : Confidence::likely, std::move(seen));
}

// The port of a wss:// URL did not speak TLS.
std::optional<Diagnosis> judge_no_tls(const Facts& facts, const TlsFacts& tls) {
  std::vector<std::string> seen = {describe(tls)};
  const Exchange* plain = facts.plain_on_tls ? &*facts.plain_on_tls : nullptr;
  if (plain != nullptr && plain->is_http) {
    seen.push_back("the same port without TLS: " + describe(*plain));
    return diagnosis(facts, Finding::TLS_PEER_IS_PLAINTEXT, Confidence::proved, std::move(seen));
  }
  if (tls.result == TlsResult::not_tls) {
    const bool http = tls.first_bytes.starts_with("HTTP/") || tls.first_bytes.starts_with("<");
    return diagnosis(
        facts, http ? Finding::TLS_PEER_IS_PLAINTEXT : Finding::NOT_HTTP, Confidence::proved, std::move(seen));
  }
  if (plain != nullptr && !plain->bytes.empty()) {
    seen.push_back("the same port without TLS: " + describe(*plain));
    return diagnosis(facts, Finding::NOT_HTTP, Confidence::proved, std::move(seen));
  }
  if (tls.result == TlsResult::silent)
    return diagnosis(facts, Finding::SERVER_SILENT, Confidence::likely, std::move(seen));
  if (plain != nullptr && (plain->ending == Ending::finished || plain->ending == Ending::reset)) {
    seen.push_back("the same port without TLS: " + describe(*plain));
    return diagnosis(facts, Finding::TCP_RESET_AFTER_ACCEPT, Confidence::likely, std::move(seen));
  }
  return diagnosis(facts, Finding::TLS_REFUSED, Confidence::possible, std::move(seen));
}

} // namespace

std::optional<Diagnosis> judge_name_and_tcp(const Facts& facts) {
  const std::string name = fmt::format("{}: {}", facts.url.host, describe(facts.name));
  if (facts.name.result == NameFacts::Result::unknown)
    return diagnosis(facts, Finding::DNS_NXDOMAIN, Confidence::proved, {name});
  if (facts.name.result == NameFacts::Result::failed)
    return diagnosis(facts, Finding::DNS_SERVFAIL_OR_TIMEOUT, Confidence::proved, {name});
  if (!facts.address.empty()) {
    if (std::ranges::find(kBadPorts, facts.url.port) != kBadPorts.end())
      return diagnosis(facts, Finding::BROWSER_BLOCKED_PORT, Confidence::proved,
          {fmt::format("port {} is a bad port of the Fetch standard", facts.url.port)});
    return std::nullopt;
  }
  if (facts.connects.empty()) return std::nullopt;
  const std::vector<std::string> seen = {describe(facts.connects, facts.url.port)};
  if (all_are(facts, ConnectResult::refused)) return diagnosis(facts, Finding::TCP_REFUSED, Confidence::proved, seen);
  if (all_are(facts, ConnectResult::unreachable))
    return diagnosis(facts, Finding::TCP_UNREACHABLE, Confidence::proved, seen);
  const auto is = [&](ConnectResult result) {
    return std::ranges::any_of(facts.connects, [result](const auto& each) { return each.result == result; });
  };
  if (is(ConnectResult::silent)) return diagnosis(facts, Finding::TCP_FILTERED, Confidence::likely, seen);
  if (is(ConnectResult::refused)) return diagnosis(facts, Finding::TCP_REFUSED, Confidence::likely, seen);
  return std::nullopt; // only faults of this machine
}

std::optional<Diagnosis> judge_tls(const Facts& facts) {
  if (!facts.tls || facts.tls->result == TlsResult::fault) return std::nullopt;
  const TlsFacts& tls = *facts.tls;
  if (tls.result == TlsResult::alert) return judge_alert(facts, tls);
  if (tls.result != TlsResult::done) return judge_no_tls(facts, tls);
  // In TLS 1.3 the alert about a missing client certificate comes after the handshake.
  for (const auto* each : {&facts.plain, &facts.health})
    if (each->has_value() && tls.client_certificate_wanted && !(*each)->is_http && (*each)->bytes.empty())
      return diagnosis(facts, Finding::TLS_CLIENT_CERT_REQUIRED, Confidence::proved,
          {"the server asked for a client certificate", describe(**each)});
  return judge_certificate(facts, tls);
}

} // namespace foyer::doctor
