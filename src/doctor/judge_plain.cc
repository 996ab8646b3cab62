// Requests without an upgrade: whether a web server answers at all.
#include "doctor/describe.h"
#include "doctor/judge.h"

namespace foyer::doctor {
namespace {

std::vector<std::string> both(const Facts& facts) {
  return {facts.health->asked + ": " + describe(*facts.health), facts.plain->asked + ": " + describe(*facts.plain)};
}

} // namespace

std::optional<Diagnosis> judge_plain(const Facts& facts) {
  if (!facts.health || !facts.plain) return std::nullopt;
  if (facts.tls_on_plain && facts.tls_on_plain->result == TlsFacts::Result::done) {
    if (auto named = named_by_foyer(facts, *facts.plain)) return named;
    auto seen = both(facts);
    seen.push_back("a TLS handshake on the same port: " + describe(*facts.tls_on_plain));
    return diagnosis(facts, Finding::TLS_REQUIRED, Confidence::proved, std::move(seen));
  }
  if (facts.health->is_http || facts.plain->is_http) return std::nullopt;
  for (const auto* each : {&*facts.health, &*facts.plain})
    if (!each->bytes.empty()) return diagnosis(facts, Finding::NOT_HTTP, Confidence::proved, both(facts));
  if (facts.health->ending == Ending::silent || facts.plain->ending == Ending::silent)
    return diagnosis(facts, Finding::SERVER_SILENT, Confidence::proved, both(facts));
  const auto ended = [](const Exchange& each) {
    return each.ending == Ending::finished || each.ending == Ending::reset || each.ending == Ending::no_link;
  };
  if (ended(*facts.health) && ended(*facts.plain))
    return diagnosis(facts, Finding::TCP_RESET_AFTER_ACCEPT, Confidence::proved, both(facts));
  return std::nullopt;
}

} // namespace foyer::doctor
