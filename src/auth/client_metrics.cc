#include "auth/client_metrics.h"

namespace foyer::auth {
namespace {

constexpr std::string_view kAttempts = "foyer_auth_attempts_total";
constexpr std::string_view kAttemptsHelp = "Failed attempts to call the auth service, by cause.";
constexpr std::string_view kCache = "foyer_auth_cache_total";
constexpr std::string_view kCacheHelp =
    "Lookups of session cookies: answered from the cache, sent, or joined to one in progress.";

} // namespace

ClientMetrics::ClientMetrics(Metrics& metrics)
    : metrics_(metrics),
      answered_(metrics.counter(kAttempts, kAttemptsHelp, {{"cause", "none"}})),
      breaker_(metrics.gauge("foyer_auth_breaker_state",
          "State of the circuit breaker for the auth service: 0 closed, 1 open, 2 trying.")),
      retries(metrics.counter("foyer_auth_retries_total", "Retries of calls to the auth service.")),
      hits(metrics.counter(kCache, kCacheHelp, {{"result", "hit"}})),
      misses(metrics.counter(kCache, kCacheHelp, {{"result", "miss"}})),
      joined(metrics.counter(kCache, kCacheHelp, {{"result", "joined"}})) {
  constexpr std::array<const char*, 2> kKinds = {"ticket", "cookie"};
  constexpr std::array<const char*, 3> kOutcomes = {"valid", "refused", "unanswered"};
  for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
    for (std::size_t outcome = 0; outcome < kOutcomes.size(); ++outcome)
      questions_[kind][outcome] = &metrics.counter("foyer_auth_requests_total",
          "Calls to the auth service, by outcome.", {{"question", kKinds[kind]}, {"outcome", kOutcomes[outcome]}});
    seconds_[kind] =
        &metrics.histogram("foyer_auth_question_seconds", "Duration of a call to the auth service, with all attempts.",
            {0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.6, 1, 2}, {{"question", kKinds[kind]}});
  }
}

void ClientMetrics::question(Kind kind, Outcome outcome, MonoTime::duration took) {
  questions_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(outcome)]->add();
  seconds_[static_cast<std::size_t>(kind)]->observe(std::chrono::duration<double>(took).count());
}

void ClientMetrics::attempt_failed(Cause cause) {
  Counter*& counter = failed_[cause];
  if (counter == nullptr)
    counter = &metrics_.counter(kAttempts, kAttemptsHelp, {{"cause", std::string(code_of(cause))}});
  counter->add();
}

} // namespace foyer::auth
