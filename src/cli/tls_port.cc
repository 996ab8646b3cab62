#include "cli/tls_port.h"

#include <algorithm>

#include "base/bytes.h"
#include "config/load.h"

namespace foyer::cli {
namespace {

std::string digest_of(const config::TlsBundle& bundle) {
  std::string all;
  for (const auto& pair : bundle.pairs) all += sha256(pair.certificates) + sha256(pair.key);
  return sha256(all + sha256(bundle.client_ca));
}

io::TlsSettings settings_of(const config::Config& config, const config::TlsBundle& bundle) {
  io::TlsSettings settings{.pairs = {},
      .client_ca = bundle.client_ca,
      .client_required = config.tls_client_required,
      .tls_1_2 = config.tls_1_2};
  for (const auto& pair : bundle.pairs) settings.pairs.push_back({pair.certificates, pair.key});
  return settings;
}

} // namespace

TlsPort::TlsPort(TlsPortDeps deps)
    : deps_(deps),
      read_(config::system_files()),
      tickets_(deps.entropy),
      reloads_(deps.metrics.counter("foyer_tls_reloads_total",
          "Changes of the TLS files while the server ran, by result.", {{"result", "taken"}})),
      refusals_(deps.metrics.counter("foyer_tls_reloads_total",
          "Changes of the TLS files while the server ran, by result.", {{"result", "refused"}})),
      refusing_(deps.metrics.gauge(
          "foyer_tls_files_refused", "1 while the TLS files on disk are invalid and the previous ones are in use.")) {}

Result<std::unique_ptr<TlsPort>> TlsPort::open(TlsPortDeps deps, io::TlsServer::Report report) {
  std::unique_ptr<TlsPort> out(new TlsPort(deps));
  const auto bundle = config::read_tls(deps.config, out->read_, deps.clock.wall());
  // They were valid a moment ago, when the configuration was checked.
  for (const auto& fault : bundle.faults)
    if (fault.severity == config::Severity::error)
      return refuse_field(fault.code, std::string(fault.option), fault.message);
  TRY(context, out->context_of(bundle));
  out->server_ = std::make_unique<io::TlsServer>(std::move(context), deps.metrics, std::move(report));
  for (const auto& pair : bundle.pairs)
    if (pair.expires) out->ends_.push_back({pair.name, *pair.expires});
  out->digest_ = digest_of(bundle);
  for (std::size_t i = 0; i < out->ends_.size(); ++i)
    deps.metrics.gauge_callback("foyer_tls_certificate_expires_seconds",
        "Seconds until the certificate expires; negative once it has expired.", [port = out.get(), i] {
      const std::scoped_lock lock(port->mutex_);
      return std::chrono::duration<double>(port->ends_[i].at - port->deps_.clock.wall()).count();
    }, {{"certificate", out->ends_[i].name}});
  return out;
}

Result<std::shared_ptr<const io::TlsContext>> TlsPort::context_of(const config::TlsBundle& bundle) {
  return io::TlsContext::make(settings_of(deps_.config, bundle), tickets_);
}

Result<void> examine_tls(const config::Config& config, const config::ReadFile& read) {
  io::TicketKeys tickets(system_entropy());
  TRY_VOID(io::TlsContext::make(settings_of(config, config::read_tls(config, read, system_clock().wall())), tickets));
  return {};
}

void TlsPort::watch(exec::ControlPlane& control) {
  control_ = &control;
  control.every(io::TicketKeys::kPeriod, [this] { tickets_.rotate(); });
  control.every(kLookAnyway, [this] { look(Look::noticed); });
  control.every(kDaily, [this] { warn_of_ends(); });
  watch_ = std::make_unique<exec::FileWatch>(
      control, config::tls_paths(deps_.config), kQuiet, [this] { look(Look::noticed); });
}

void TlsPort::stop_watching() { watch_.reset(); }

void TlsPort::reload() {
  control_->post([this] { look(Look::requested); });
}

void TlsPort::look(Look why) {
  if (why == Look::again) second_look_ = false;
  auto bundle = config::read_tls(deps_.config, read_, deps_.clock.wall());
  std::string digest = digest_of(bundle);
  if (digest == digest_) { // perhaps reverted
    {
      const std::scoped_lock lock(mutex_);
      refused_code_.clear();
    }
    refused_digest_.clear();
    refusing_.set(0);
    if (why == Look::requested) deps_.log.info("tls_unchanged", "SIGHUP: the TLS files have not changed.");
    return;
  }
  if (bundle.usable()) {
    auto context = context_of(bundle);
    if (context) {
      server_->replace(std::move(*context));
      return taken(bundle, std::move(digest));
    }
    bundle.faults.push_back(
        {.code = context.error().cause, .option = "tls_cert_file", .message = context.error().operator_text()});
  }
  if (why == Look::noticed) {
    if (second_look_ || digest == refused_digest_) return;
    second_look_ = true;
    control_->after(kSecondLook, [this] { look(Look::again); });
    return;
  }
  refused(bundle, std::move(digest));
}

void TlsPort::taken(const config::TlsBundle& bundle, std::string digest) {
  digest_ = std::move(digest);
  refused_digest_.clear();
  reloads_.add();
  refusing_.set(0);
  {
    const std::scoped_lock lock(mutex_);
    refused_code_.clear();
    for (std::size_t i = 0; i < bundle.pairs.size() && i < ends_.size(); ++i)
      if (bundle.pairs[i].expires) ends_[i].at = *bundle.pairs[i].expires;
  }
  deps_.log.info("tls_reloaded", "The TLS files have changed: new connections get the new certificate.",
      {{"expires", rfc3339(bundle.pairs.front().expires.value_or(WallTime{}))}});
  for (const auto& fault : bundle.faults)
    deps_.log.warning("configuration", fault.message,
        {{"code", code_of(fault.code)}, {"option", fault.option},
            {"next", fault.fix.empty() ? info(fault.code).next : fault.fix}});
}

void TlsPort::refused(const config::TlsBundle& bundle, std::string digest) {
  refused_digest_ = std::move(digest);
  refusals_.add();
  refusing_.set(1);
  bool first = true;
  for (const auto& fault : bundle.faults) {
    if (fault.severity != config::Severity::error) continue;
    deps_.log.error("tls_files_refused", fault.message + " The previous files stay in use.",
        {{"code", code_of(fault.code)}, {"option", fault.option},
            {"next", fault.fix.empty() ? info(fault.code).next : fault.fix}});
    if (!std::exchange(first, false)) continue;
    const std::scoped_lock lock(mutex_);
    refused_code_ = code_of(fault.code);
  }
}

void TlsPort::warn_of_ends() {
  const WallTime now = deps_.clock.wall();
  const std::scoped_lock lock(mutex_);
  for (const auto& end : ends_)
    if (end.at - now < config::kRenewalNotice)
      deps_.log.warning("certificate_expires",
          end.at <= now ? "A certificate has expired." : "A certificate expires soon.",
          {{"code", code_of(Cause::CERTIFICATE_EXPIRED)}, {"certificate", end.name}, {"expires", rfc3339(end.at)},
              {"next", info(Cause::CERTIFICATE_EXPIRED).next}});
}

observe::HealthCheck TlsPort::health() const {
  return {.name = "tls_certificates", .needed = false, .read = [this] {
    const std::scoped_lock lock(mutex_);
    if (!refused_code_.empty()) return observe::HealthState::failing(refused_code_);
    const WallTime now = deps_.clock.wall();
    const bool late = std::ranges::any_of(ends_, [&](const End& end) { return end.at - now < config::kRenewalNotice; });
    return late ? observe::HealthState::failing(std::string(code_of(Cause::CERTIFICATE_EXPIRED)))
                : observe::HealthState::ok();
  }};
}

} // namespace foyer::cli
