#include "cli/fitness.h"
#include "app/bus.h"
#include "app/signing_key.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "accounts/clients/services.h"
#include "app/stores.h"
#include "base/clock.h"
#include "cli/offline_accounts.h"
#include "cli/tls_port.h"
#include "cli/token_keys.h"
#include "config/development.h"
#include "config/preflight.h"
#include "io/listener.h"
#include "jose/signer.h"
#include "store/data_dir.h"
#include "store/file.h"
#include "store/seal.h"

namespace foyer::cli {
namespace {

constexpr std::size_t kSealBytes = 4096; // of DATA/store.key

class Machine {
 public:
  Machine(const config::Loaded& loaded, const config::ReadFile& read, std::vector<config::Finding> found)
      : loaded_(loaded),
        config_(loaded.config),
        read_(read),
        found_(std::move(found)) {}

  std::vector<config::Finding> run() {
    address("listen", config_.listen);
    if (!config_.metrics_listen.empty()) address("metrics_listen", config_.metrics_listen);
    const bool data_is_ours = data();
    token_key();
    certificates();
    if (data_is_ours || app::uses_postgres(config_)) stores();
    bus();
    return std::move(found_);
  }

 private:
  bool usable(std::string_view option) const { return !loaded_.is_broken(option); }
  bool found(std::string_view option) const {
    return std::ranges::any_of(found_,
        [option](const config::Finding& f) { return f.option == option && f.severity == config::Severity::error; });
  }

  void report(std::string_view option, const Refusal& refusal) {
    const Refusal without_field{.cause = refusal.cause, .evidence = refusal.evidence};
    config::Finding finding = config::finding_about(loaded_, refusal.cause, option, without_field.operator_text());
    if (!loaded_.given(option)) finding.source = "default";
    // Existing data can be read; the bus works until its primary stops.
    if (refusal.cause == Cause::STORE_READ_ONLY || refusal.cause == Cause::SENTINEL_BLIND)
      finding.severity = config::Severity::warning;
    found_.push_back(std::move(finding));
  }

  void address(std::string_view option, const config::HostPort& at) {
    if (!usable(option)) return;
    if (const auto free = io::Listener::examine({at.host, at.port}); !free) report(option, free.error());
  }

  void bus() {
    if (config_.bus_url.empty() || !config_.role_gateway || !usable("bus_url") || found("bus_ca_file")) return;
    if (const auto seen = app::look_at_bus(config_, system_entropy()); !seen) report("bus_url", seen.error());
  }

  // Whether its databases can be examined: not while another server uses them.
  bool data() {
    if (!usable("data")) return false;
    const auto environment = loaded_.environment_given ? config::to_string(config_.environment) : std::string_view{};
    const auto good = store::DataDir::examine(config_.data, environment);
    if (!good) report("data", good.error());
    return good.has_value();
  }

  // Whether it can sign; preflight checks the file itself.
  void token_key() {
    if (!config_.role_auth || found("jwt_secret_key") || found("jwt_private_key_file") || found("jwt_algorithm"))
      return;
    const bool secret = !config_.jwt_secret_key.empty();
    if (!secret && config_.jwt_private_key_file.empty()) return;
    const auto key = app::configured_key(config_);
    const auto signer = key ? jose::Signer::make(*key) : std::unexpected(key.error());
    if (!signer) report(secret ? "jwt_secret_key" : "jwt_private_key_file", signer.error());
  }

  void certificates() {
    if (config_.tls_cert_file.empty()) return;
    for (const auto option : {"tls_cert_file", "tls_key_file", "tls_more_certificates", "tls_client_ca_file"})
      if (found(option)) return;
    if (const auto good = examine_tls(config_, read_); !good) report("tls_cert_file", good.error());
  }

  void stores() {
    if (!usable("database_url")) return;
    const std::string environment =
        loaded_.environment_given ? std::string(config::to_string(config_.environment)) : std::string{};
    const std::string_view option = app::uses_postgres(config_) ? "database_url" : "data";
    const app::StoresSeen seen = app::examine_stores(config_, environment);
    for (const auto& refusal : seen.wrong) report(option, refusal);
    if (!config_.role_auth) return;
    const std::string_view key_option = app::uses_postgres(config_) ? "store_key" : "data";
    if (found(key_option) || (app::uses_postgres(config_) && config_.store_key.empty())) return;
    const auto seal = seal_key_there();
    const auto opens = !seal    ? Result<void>(std::unexpected(seal.error()))
        : seen.accounts_current ? own_service(*seal)
                                : Result<void>{};
    if (!opens) report(key_option, opens.error());
  }

  // STORE_KEY, or DATA/store.key; if neither exists, a key that opens nothing.
  Result<store::SealKey> seal_key_there() const {
    if (app::uses_postgres(config_)) return app::given_seal_key(config_);
    const std::string file = (std::filesystem::path(config_.data) / "store.key").string();
    if (::access(file.c_str(), F_OK) != 0) return store::SealKey::from_secret(system_entropy().token());
    TRY(secret, store::read_file(file, kSealBytes));
    while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
    return store::SealKey::from_secret(secret);
  }

  // The auth service writes its own secret at every start, but not over an unreadable one.
  Result<void> own_service(const store::SealKey& seal) const {
    TRY(accounts, OfflineAccounts::with(config_, seal));
    const auto find = [this](accounts::AccountStore& s, auto done) {
      s.find_service(config_.service_id, std::move(done));
    };
    TRY(row, accounts->ask<std::optional<accounts::ServiceRow>>(find));
    return row ? accounts::readable(*row, seal) : Result<void>{};
  }

  const config::Loaded& loaded_;
  const config::Config& config_;
  const config::ReadFile& read_;
  std::vector<config::Finding> found_;
};

} // namespace

std::vector<config::Finding> fitness(const config::Loaded& loaded, const config::ReadFile& read) {
  auto found = config::preflight(loaded, {.read = read, .now = system_clock().wall()});
  config::Loaded with_generated = loaded;
  std::ranges::move(config::adopt_generated_secrets(with_generated, read), std::back_inserter(found));
  if (loaded.config_file_lost) return found; // the result depends on the contents of that file
  return Machine(with_generated, read, std::move(found)).run();
}

bool may_pass(const std::vector<config::Finding>& findings) {
  const auto passes = [](const config::Finding& f) {
    return f.severity != config::Severity::error || f.code == Cause::DATABASE_UNREACHABLE ||
        f.code == Cause::STORE_FULL || f.code == Cause::BUS_UNREACHABLE;
  };
  return !config::is_fit(findings) && std::ranges::all_of(findings, passes);
}

} // namespace foyer::cli
