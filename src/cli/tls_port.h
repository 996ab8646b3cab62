// TLS on the port of `serve`: reads the files, makes contexts of them for the loops,
// and takes other files while it runs, when they change or when it is told to. New
// connections get the new certificate; those that are open stay as they are.
//
// Files that preflight would not start with are not taken: the former ones serve
// on, and log, health and metrics say so with the code that preflight would give.
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
  const config::Config& config; // as preflight judged it
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
  // Begins to rotate ticket keys, to look at the files and at their ends.
  void watch(exec::ControlPlane& control);
  void stop_watching(); // once the control plane has stopped
  void reload();        // from any thread, after watch()
  // Fails while the files on disk are refused, or a certificate has ended or ends soon.
  [[nodiscard]] observe::HealthCheck health() const;

 private:
  static constexpr Millis kQuiet{500};         // after the last change to a file
  static constexpr Millis kSecondLook{2'000};  // files of one renewal may come one by one
  static constexpr Millis kLookAnyway{60'000}; // where changes are not reported, as on network file systems
  static constexpr Millis kDaily{24LL * 3'600'000};

  enum class Look : std::uint8_t { told, noticed, again };

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
  bool second_look_ = false;   // is on its way
  std::string digest_;         // of the files that serve
  std::string refused_digest_; // of those that were reported
  mutable std::mutex mutex_;   // of what follows
  std::vector<End> ends_;
  std::string refused_code_; // empty: the files on disk are those that serve
};

// Whether the port could speak TLS with the files of this configuration, which the preflight has judged.
[[nodiscard]] Result<void> examine_tls(const config::Config& config, const config::ReadFile& read);

} // namespace foyer::cli
