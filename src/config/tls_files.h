// The files of TLS: read together, checked together. `serve` and `check` report
// faults as findings; a running server checks the same before it uses new files,
// and uses the bytes that were checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cause.h"
#include "base/clock.h"
#include "config/finding.h"
#include "config/load.h"

namespace foyer::config {

struct Fault {
  Cause code{};
  std::string_view option; // of the table
  std::string message;
  std::string fix = {}; // empty: the catalogue's next step
  Severity severity = Severity::error;
};

struct TlsBundle {
  struct Pair {
    std::string certificates;             // PEM
    std::string key;                      // PEM
    std::string name;                     // "default", then "1", "2", … of tls_more_certificates
    std::optional<WallTime> expires = {}; // the earliest end of its certificates
  };
  std::vector<Pair> pairs; // as configured; parts that could not be read are empty
  std::string client_ca;
  std::vector<Fault> faults;

  [[nodiscard]] bool usable() const; // no error among the faults
};

// A certificate that expires sooner is reported in advance.
inline constexpr Millis kRenewalNotice{14LL * 86'400'000};

[[nodiscard]] TlsBundle read_tls(const Config& config, const ReadFile& read, WallTime now);
[[nodiscard]] std::vector<std::string> tls_paths(const Config& config);
[[nodiscard]] bool holds_certificate(std::string_view pem);
// A file with a secret that everybody can read.
[[nodiscard]] std::optional<Fault> exposed(std::string_view option, const FileText& file, std::string_view path);

} // namespace foyer::config
