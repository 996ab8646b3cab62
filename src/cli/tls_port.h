// TLS on the port of `serve`: reads the files, builds contexts from them for the loops,
// and reloads them while running, when they change or on request. New
// connections get the new certificate; open ones stay as they are.
//
// Files that preflight would reject are not used: the former ones stay in use,
// and log, health and metrics report the same code as preflight.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/tls_files.h"
#include "exec/control.h"
#include "exec/file_watch.h"
#include "io/tls/tls_server.h"
#include "observe/health.h"

namespace foyer::cli {

struct TlsPortDeps {
  const config::Config& config; // as checked by preflight
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
};

class TlsPort {
 public:
  // All of `deps` outlives it, and it outlives the loops' connections.
  [[nodiscard]] static Result<std::unique_ptr<TlsPort>> open(TlsPortDeps deps, io::TlsServer::Report report);

  [[nodiscard]] io::TlsServer& server() { return *server_; }
  // Starts to rotate ticket keys, and to watch the files and their expiry.
  void watch(exec::ControlPlane& control);
  void stop_watching(); // once the control plane has stopped
  void reload();        // from any thread, after watch()
  // Fails while the files on disk are rejected, or a certificate has expired or expires soon.
  [[nodiscard]] observe::HealthCheck health() const;

 private:
  static constexpr Millis kQuiet{500};         // after the last change to a file
  static constexpr Millis kSecondLook{2'000};  // files of one renewal may arrive one by one
  static constexpr Millis kLookAnyway{60'000}; // in case changes are not reported, as on network file systems
  static constexpr Millis kDaily{24LL * 3'600'000};

  enum class Look : std::uint8_t { requested, noticed, again };

  explicit TlsPort(TlsPortDeps deps);
  void look(Look why);
  void taken(const config::TlsBundle& bundle, std::string digest);
  void refused(const config::TlsBundle& bundle, std::string digest);
  void warn_of_ends();
  [[nodiscard]] Result<std::shared_ptr<const io::TlsContext>> context_of(const config::TlsBundle& bundle);

  struct End {
    std::string name; // of the certificate, as in the metrics
    WallTime at;
  };

  TlsPortDeps deps_;
  config::ReadFile read_;
  io::TicketKeys tickets_;
  std::unique_ptr<io::TlsServer> server_;
  exec::ControlPlane* control_ = nullptr;
  std::unique_ptr<exec::FileWatch> watch_;
  Counter& reloads_;
  Counter& refusals_;
  Gauge& refusing_;
  bool second_look_ = false;   // is scheduled
  std::string digest_;         // of the files in use
  std::string refused_digest_; // of the files that were reported
  mutable std::mutex mutex_;   // guards the following
  std::vector<End> ends_;
  std::string refused_code_; // empty: the files on disk are in use
};

// Whether the port could use TLS with the files of this configuration, which preflight has checked.
[[nodiscard]] Result<void> examine_tls(const config::Config& config, const config::ReadFile& read);

} // namespace foyer::cli
