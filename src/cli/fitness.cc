#include "cli/fitness.h"

#include "base/clock.h"
#include "config/preflight.h"
#include "config/report.h"

namespace foyer::cli {

std::vector<config::Finding> fitness(const config::Loaded& loaded, const config::ReadFile& read) {
  auto findings = config::preflight(loaded, {.read = read, .now = system_clock().wall()});
  // Whether the files are right is worth more than that they are too early.
  if (config::is_fit(findings) && !loaded.config.tls_cert_file.empty())
    findings.push_back(config::finding_about(loaded, Cause::NOT_AVAILABLE, "tls_cert_file", "This version speaks no TLS itself.",
                                             "Put a proxy with TLS in front and name it in TRUSTED_PROXIES; leave TLS_CERT_FILE and TLS_KEY_FILE away."));
  return findings;
}

} // namespace foyer::cli
