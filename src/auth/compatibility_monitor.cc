#include "auth/compatibility_monitor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <mutex>

#include "auth/answer.h"
#include "auth/back_off.h"
#include "auth/contract/messages.h"
#include "auth/contract/variants.h"
#include "base/bytes.h"
#include "base/fingerprint.h"

namespace foyer::auth {
namespace {

constexpr std::string_view kChallengeRequest = "POST /internal/challenge";
constexpr std::string_view kServiceOption = "service_secret";
constexpr std::string_view kJwtOption = "jwt_secret_key";
constexpr std::size_t kStrongSecret = 32; // bytes; a fingerprint of a shorter one would help to guess it

std::string shown(std::string_view option, std::string_view secret) {
  return secret.size() < kStrongSecret ? std::string("weak") : fingerprint(option, secret);
}

std::string listed(const std::vector<std::string>& kids) {
  std::vector<std::string> out;
  for (const auto& kid : kids) {
    if (out.size() == 5) {
      out.emplace_back("…");
      break;
    }
    out.push_back(printable(kid, 16));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

bool holds(const std::vector<std::string>& list, const std::string& one) {
  return std::ranges::find(list, one) != list.end();
}

std::vector<Cause> causes(const std::vector<Refusal>& findings) {
  std::vector<Cause> out;
  for (const Refusal& finding : findings) out.push_back(finding.cause);
  return out;
}

// A refusal of our signature by the auth service is a finding; an unreachable auth service is not.
std::optional<Refusal> finding_of(const Refusal& refusal) {
  if (refusal.cause == Cause::SERVICE_REQUEST_EXPIRED)
    return Refusal{.cause = Cause::CLOCK_SKEW, .evidence = refusal.evidence};
  if (refusal.cause == Cause::CONTRACT_MISMATCH || refusal.step() == Step::service_identity) return refusal;
  return std::nullopt;
}

// Which change turns one secret into the other, by fingerprints.
std::string jwt_difference(std::string_view ours, const std::vector<SecretVariant>& theirs) {
  for (const Variant& variant : variants(ours))
    if (!theirs.empty() && constant_time_equal(fingerprint(kJwtOption, variant.secret), theirs.front().fingerprint))
      return fmt::format("theirs is ours {}", variant.name);
  const std::string own = fingerprint(kJwtOption, ours);
  for (const SecretVariant& variant : theirs)
    if (constant_time_equal(own, variant.fingerprint)) return fmt::format("ours is theirs {}", variant.variant);
  return "neither is a usual variant of the other";
}

} // namespace

struct CompatibilityMonitor::Challenger : std::enable_shared_from_this<Challenger> {
  Challenger(Context a, const ServiceIdentity& i, FitFacts f, FitPolicy p)
      : around(a),
        identity(i),
        facts(std::move(f)),
        policy(p),
        found(a.metrics.gauge(
            "foyer_auth_fit_findings", "Number of mismatches between this gateway and the auth service.")) {}

  Context around;
  const ServiceIdentity& identity;
  const FitFacts facts;
  const FitPolicy policy;
  Gauge& found;
  BackOff back_off;
  BackOff recheck{Millis{1'000}, policy.interval}; // mismatches are checked again sooner
  std::string missing_kid = {};                    // the kid they signed with at the last answer, if we did not have it
  std::optional<MonoTime> last_probe = {};
  bool probed = false;           // since the secret was first refused
  std::string probe_result = {}; // of the current finding
  mutable std::mutex mutex;      // for the status alone
  FitStatus status;

  using OnAnswer = std::move_only_function<void(const client::HttpResult&, std::string_view signed_nonce)>;
  void send(const ServiceIdentity& who, std::string_view secret, const std::string& nonce, OnAnswer on_answer);
  void ask_after(Millis delay);
  void ask_again();
  void ask();
  void on_answer(const client::HttpResult& result, std::string_view signed_nonce, const std::string& nonce,
      WallTime sent, MonoTime sent_mono);
  [[nodiscard]] std::vector<Refusal> compare(
      const ChallengeAnswer& answer, const std::string& nonce, WallTime sent, Millis round_trip);
  void compare_keys(const ChallengeAnswer& answer, std::vector<Refusal>& findings);
  void publish(std::vector<Refusal> findings);
  void fault(Refusal refusal);
  void secret_refused(const Refusal& refusal);
  void probe(std::shared_ptr<std::vector<Variant>> candidates, std::size_t at);
  void probe_ended(std::string result);
  void note_peer(const ChallengeAnswer& answer);
};

void CompatibilityMonitor::Challenger::send(
    const ServiceIdentity& who, std::string_view secret, const std::string& nonce, OnAnswer on_answer) {
  Challenge challenge{.contract = kContractVersion,
      .version = facts.version,
      .build = facts.build,
      .environment = facts.environment,
      .nonce = nonce,
      .service_fingerprint = fingerprint(kServiceOption, secret),
      .jwt_fingerprint = {},
      .kids = {}};
  if (facts.jwt_secret_key.size() >= kStrongSecret)
    challenge.jwt_fingerprint = fingerprint(kJwtOption, facts.jwt_secret_key);
  else if (facts.jwt_secret_key.empty() && facts.kids)
    challenge.kids = facts.kids();
  Call call{.method = "POST",
      .target = std::string(kChallengePath),
      .headers = {{"Content-Type", "application/json"}},
      .body = json::write(encode(challenge))};
  call.connect_timeout = policy.connect_timeout;
  call.timeout = policy.timeout;
  std::string signed_nonce =
      who.sign(call.headers, call.method, call.target, call.body, {}, around.clock.wall(), around.entropy);
  around.transport.send(std::move(call),
      [weak = weak_from_this(), signed_nonce = std::move(signed_nonce), on_answer = std::move(on_answer)](
          client::HttpResult result) mutable {
    if (const auto self = weak.lock()) on_answer(result, signed_nonce);
  });
}

void CompatibilityMonitor::Challenger::ask_after(Millis delay) {
  around.control.after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->ask();
  });
}

void CompatibilityMonitor::Challenger::ask() {
  const std::string nonce = around.entropy.token();
  send(identity, facts.service_secret, nonce,
      [this, nonce, sent = around.clock.wall(), sent_mono = around.clock.mono()](const client::HttpResult& result,
          std::string_view signed_nonce) { on_answer(result, signed_nonce, nonce, sent, sent_mono); });
}

void CompatibilityMonitor::Challenger::on_answer(const client::HttpResult& result, std::string_view signed_nonce,
    const std::string& nonce, WallTime sent, MonoTime sent_mono) {
  const auto round_trip = std::chrono::duration_cast<Millis>(around.clock.mono() - sent_mono);
  auto body = read_answer(result, kChallengeRequest);
  std::optional<Refusal> refusal;
  if (!body) {
    refusal = std::move(body.error().refusal);
  } else if (auto answer = decode_challenge_answer(*body); !answer) {
    refusal = std::move(answer).error();
  } else {
    probed = false;
    probe_result.clear();
    auto findings = compare(*answer, nonce, sent, round_trip);
    // Reported, not acted upon: an unsigned answer's contents are reported together with the fact that it is unsigned.
    const bool proved = constant_time_equal(challenge_proof(identity.key(), nonce), answer->proof);
    if (auto distrust = distrust_answer(*result, identity, signed_nonce, kChallengeRequest); distrust && proved)
      findings.push_back(std::move(distrust->refusal));
    publish(std::move(findings));
    note_peer(*answer);
    return ask_again();
  }
  auto finding = finding_of(*refusal);
  if (!finding) return fault(std::move(*refusal));
  if (finding->cause == Cause::SERVICE_SECRET_REJECTED)
    secret_refused(*finding);
  else
    publish({std::move(*finding)});
  ask_again();
}

void CompatibilityMonitor::Challenger::ask_again() {
  bool fits = false;
  {
    const std::lock_guard lock(mutex);
    fits = status.findings.empty();
  }
  // Before our key set is loaded, there is nothing to compare their keys with.
  if (facts.jwt_secret_key.empty() && facts.kids && facts.kids().empty()) fits = false;
  if (fits) recheck.reset();
  ask_after(fits ? policy.interval : recheck.next(around.entropy));
}

std::vector<Refusal> CompatibilityMonitor::Challenger::compare(
    const ChallengeAnswer& answer, const std::string& nonce, WallTime sent, Millis round_trip) {
  std::vector<Refusal> findings;
  if (!constant_time_equal(challenge_proof(identity.key(), nonce), answer.proof))
    findings.push_back({.cause = Cause::SERVICE_SECRET_MISMATCH,
        .evidence = fmt::format(
            "the auth service could not prove that it knows the secret of service {} (ours has the fingerprint {})",
            printable(identity.id(), 64), shown(kServiceOption, facts.service_secret)),
        .field = "service_secret"});
  compare_keys(answer, findings);
  const Millis skew = answer.time - (sent + round_trip / 2);
  if (std::chrono::abs(skew) > facts.leeway)
    findings.push_back({.cause = Cause::CLOCK_SKEW,
        .evidence = fmt::format("the auth service's clock is {} ms {} this machine's; the leeway is {} ms",
            std::chrono::abs(skew).count(), skew > Millis{0} ? "ahead of" : "behind", facts.leeway.count())});
  if (answer.environment != facts.environment)
    findings.push_back({.cause = Cause::ENVIRONMENT_MISMATCH,
        .evidence = fmt::format("the auth service runs in {}, this gateway in {}",
            answer.environment.empty() ? "an environment that it does not name" : answer.environment,
            facts.environment),
        .field = "environment"});
  const auto differ = [&findings](
                          Cause cause, std::string_view theirs, std::string_view ours, std::string_view option) {
    if (theirs.empty() || ours.empty() || theirs == printable(ours, 512)) return; // an older build does not send it
    findings.push_back({.cause = cause,
        .evidence = fmt::format(
            "the auth service writes {} into tokens, but this gateway accepts {}", theirs, printable(ours, 512)),
        .field = std::string(option)});
  };
  differ(Cause::ISSUER_MISMATCH, answer.issuer, facts.issuer, "jwt_issuer");
  differ(Cause::AUDIENCE_MISMATCH, answer.audience, facts.audience, "jwt_audience");
  return findings;
}

void CompatibilityMonitor::Challenger::compare_keys(const ChallengeAnswer& answer, std::vector<Refusal>& findings) {
  const auto mismatch = [&findings](std::string evidence, std::string field) {
    findings.push_back({.cause = Cause::KEY_SET_MISMATCH, .evidence = std::move(evidence), .field = std::move(field)});
  };
  const bool shared_here = !facts.jwt_secret_key.empty();
  const bool shared_there = !answer.jwt_fingerprints.empty();
  const std::string missed = std::exchange(missing_kid, {});
  if (shared_here && shared_there) {
    if (constant_time_equal(fingerprint(kJwtOption, facts.jwt_secret_key), answer.jwt_fingerprints.front().fingerprint))
      return;
    return mismatch(
        fmt::format("JWT_SECRET_KEY differs: ours has the fingerprint {}; {}", shown(kJwtOption, facts.jwt_secret_key),
            jwt_difference(facts.jwt_secret_key, answer.jwt_fingerprints)),
        "jwt_secret_key");
  }
  if (shared_here && answer.signing_kid.empty()) return; // their secret is too weak to be compared
  if (shared_here)
    return mismatch(
        fmt::format("the auth service signs with a key pair (kid {}), but this gateway verifies with JWT_SECRET_KEY",
            printable(answer.signing_kid, 16)),
        "jwt_secret_key");
  if (shared_there)
    return mismatch(
        "the auth service signs with JWT_SECRET_KEY, but this gateway verifies with public keys", "jwt_jwks_url");
  const std::vector<std::string> ours = facts.kids ? facts.kids() : std::vector<std::string>{};
  if (ours.empty() || answer.signing_kid.empty() || holds(ours, answer.signing_kid)) return;
  // A key that is new there may be on its way here; a set that shares no key with theirs belongs to another server.
  const bool related = std::ranges::any_of(ours, [&](const std::string& kid) { return holds(answer.kids, kid); });
  missing_kid = answer.signing_kid;
  if (related && missed != missing_kid) return;
  mismatch(fmt::format("the auth service signs with kid {}, but this gateway verifies with {}",
               printable(answer.signing_kid, 16), listed(ours)),
      "jwt_jwks_url");
}

void CompatibilityMonitor::Challenger::publish(std::vector<Refusal> findings) {
  back_off.reset();
  found.set(static_cast<std::int64_t>(findings.size()));
  std::vector<Refusal> before;
  bool first = false;
  {
    const std::lock_guard lock(mutex);
    first = !status.answered;
    before = status.findings;
    if (first || causes(before) != causes(findings)) status.since = around.clock.wall();
    status.answered = true;
    status.fault.reset();
    status.findings = findings;
  }
  const std::vector<Cause> known = causes(before);
  for (const Refusal& finding : findings)
    if (std::ranges::find(known, finding.cause) == known.end())
      around.log.error("auth_service_does_not_fit", finding.info().operator_text,
          {{"code", finding.code()}, {"evidence", finding.evidence}, {"next", finding.info().next}});
  const std::vector<Cause> now = causes(findings);
  for (const Cause cause : known)
    if (std::ranges::find(now, cause) == now.end())
      around.log.info("auth_service_finding_gone", "A mismatch with the auth service has been resolved.",
          {{"code", info(cause).code}});
  if (first && findings.empty()) around.log.info("auth_service_fits", "The gateway and the auth service match.");
}

void CompatibilityMonitor::Challenger::fault(Refusal refusal) {
  bool first = false;
  {
    const std::lock_guard lock(mutex);
    first = !status.fault || status.fault->cause != refusal.cause;
    status.fault = refusal;
  }
  if (first)
    around.log.warning("auth_service_not_challenged", refusal.info().operator_text,
        {{"code", refusal.code()}, {"evidence", refusal.evidence}});
  ask_after(back_off.next(around.entropy));
}

// The builds may differ while one of the two is being upgraded; that is worth a log line and no finding.
void CompatibilityMonitor::Challenger::note_peer(const ChallengeAnswer& answer) {
  {
    const std::lock_guard lock(mutex);
    if (status.peer_build == answer.build && status.peer_version == answer.version) return;
    status.peer_build = answer.build;
    status.peer_version = answer.version;
  }
  if (answer.build != facts.build)
    around.log.info("auth_service_build_differs", "The gateway and the auth service come from different builds.",
        {{"version", facts.version}, {"build", facts.build}, {"auth_version", answer.version},
            {"auth_build", answer.build}});
}

void CompatibilityMonitor::Challenger::secret_refused(const Refusal& refusal) {
  std::string evidence =
      fmt::format("the auth service rejects the signatures of service {} (ours has the fingerprint {})",
          printable(identity.id(), 64), shown(kServiceOption, facts.service_secret));
  if (!probe_result.empty()) evidence += "; " + probe_result;
  if (!refusal.evidence.empty()) evidence += "; it says: " + refusal.evidence;
  publish({{.cause = Cause::SERVICE_SECRET_MISMATCH, .evidence = std::move(evidence), .field = "service_secret"}});
  const MonoTime now = around.clock.mono();
  if (probed || (last_probe && now - *last_probe < policy.probe_interval)) return;
  probed = true;
  last_probe = now;
  auto candidates = std::make_shared<std::vector<Variant>>(variants(facts.service_secret));
  probe(std::move(candidates), 1); // the first is the one that was refused
}

void CompatibilityMonitor::Challenger::probe(std::shared_ptr<std::vector<Variant>> candidates, std::size_t at) {
  if (at >= candidates->size()) return probe_ended("theirs is not one of the usual variants of ours");
  const Variant& candidate = (*candidates)[at];
  send(ServiceIdentity(identity.id(), candidate.secret), candidate.secret, around.entropy.token(),
      [this, candidates, at](const client::HttpResult& result, std::string_view) {
    if (!probed) return; // the secret was accepted meanwhile
    const auto body = read_answer(result, kChallengeRequest);
    if (body) return probe_ended("theirs is ours " + (*candidates)[at].name);
    if (body.error().refusal.cause == Cause::SERVICE_SECRET_REJECTED) return probe(candidates, at + 1);
    if (finding_of(body.error().refusal))
      return probe_ended("theirs is ours " + (*candidates)[at].name); // recognised, refused for another reason
    probed = false; // cut short: retried, but not before probe_interval
  });
}

void CompatibilityMonitor::Challenger::probe_ended(std::string result) {
  probe_result = std::move(result);
  {
    const std::lock_guard lock(mutex);
    for (Refusal& finding : status.findings)
      if (finding.cause == Cause::SERVICE_SECRET_MISMATCH) finding.evidence += "; " + probe_result;
  }
  around.log.error("service_secret_compared", "How SERVICE_SECRET of the auth service differs from this gateway's.",
      {{"code", info(Cause::SERVICE_SECRET_MISMATCH).code}, {"evidence", probe_result}});
}

CompatibilityMonitor::CompatibilityMonitor(
    Context around, const ServiceIdentity& identity, FitFacts facts, FitPolicy policy)
    : challenger_(std::make_shared<Challenger>(around, identity, std::move(facts), policy)) {}
CompatibilityMonitor::~CompatibilityMonitor() = default;

void CompatibilityMonitor::start() { challenger_->ask_after(Millis{0}); }

FitStatus CompatibilityMonitor::status() const {
  const std::lock_guard lock(challenger_->mutex);
  return challenger_->status;
}

} // namespace foyer::auth
