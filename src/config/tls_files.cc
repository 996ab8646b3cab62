#include "config/tls_files.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "base/bytes.h"
#include "base/pem.h"
#include "config/table.h"
#include "wire/url.h"

namespace foyer::config {
namespace {

std::optional<WallTime> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return from_unix_seconds(timegm(&parts));
}

std::string name(std::string_view option) { return env_name(*find_option(option)); }

bool covers(X509* certificate, const std::string& host) {
  if (wire::is_ip_literal(host)) return X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
  return X509_check_host(certificate, host.data(), host.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

// The source of one certificate and its key, and their names in texts.
struct Place {
  std::string certificate_path, key_path;
  std::string_view certificate_option, key_option;
  std::string certificate_name, key_name; // "TLS_CERT_FILE", "certificate 2 of FOYER_TLS_MORE_CERTIFICATES"
  std::string key_said;                   // for the start of a sentence
  std::string label;
};

class Reading {
 public:
  Reading(const Config& config, const ReadFile& read, WallTime now) : config_(config), read_(read), now_(now) {}

  TlsBundle run() {
    const bool on = !config_.tls_cert_file.empty() || !config_.tls_key_file.empty();
    if (!on) {
      unused("tls_more_certificates", !config_.tls_more_certificates.empty());
      unused("tls_client_ca_file", !config_.tls_client_ca_file.empty());
      return std::move(out_);
    }
    pair({.certificate_path = config_.tls_cert_file,
        .key_path = config_.tls_key_file,
        .certificate_option = "tls_cert_file",
        .key_option = "tls_key_file",
        .certificate_name = name("tls_cert_file"),
        .key_name = name("tls_key_file"),
        .key_said = "The key of " + name("tls_key_file"),
        .label = "default"});
    for (std::size_t i = 0; i < config_.tls_more_certificates.size(); ++i)
      more(config_.tls_more_certificates[i], i + 1);
    client_ca();
    const auto url = wire::parse_url(config_.public_url);
    if (url && !names_our_host_ && judged_all_)
      report(Cause::CERTIFICATE_NAME_MISMATCH, "tls_cert_file",
          fmt::format("No certificate is for {}, the host of PUBLIC_URL.", printable(url->host)))
          .severity = Severity::warning;
    return std::move(out_);
  }

 private:
  Fault& report(Cause code, std::string_view option, std::string message, std::string fix = {}) {
    return out_.faults.emplace_back(
        Fault{.code = code, .option = option, .message = std::move(message), .fix = std::move(fix)});
  }

  void unused(std::string_view option, bool given) {
    if (given)
      report(Cause::INVALID_VALUE, option,
          fmt::format("{} is set without TLS_CERT_FILE and TLS_KEY_FILE, so the port would not use TLS.", name(option)),
          "Set TLS_CERT_FILE and TLS_KEY_FILE as well.");
  }

  void more(const std::string& entry, std::size_t number) {
    const auto colon = entry.find(':');
    const std::string what = fmt::format("certificate {} of {}", number, name("tls_more_certificates"));
    if (colon == std::string::npos || colon == 0 || colon + 1 == entry.size() ||
        entry.find(':', colon + 1) != std::string::npos) {
      judged_all_ = false;
      report(Cause::INVALID_VALUE, "tls_more_certificates",
          fmt::format("The entry for {} is not CERT_FILE:KEY_FILE.", what),
          "Write each entry as CERT_FILE:KEY_FILE, with paths that contain no colon.");
      return;
    }
    pair({.certificate_path = entry.substr(0, colon),
        .key_path = entry.substr(colon + 1),
        .certificate_option = "tls_more_certificates",
        .key_option = "tls_more_certificates",
        .certificate_name = what,
        .key_name = "the key of " + what,
        .key_said = "The key of " + what,
        .label = std::to_string(number)});
  }

  std::optional<FileText> file(const std::string& path, std::string_view option, const std::string& what, Cause cause) {
    if (path.empty()) return std::nullopt; // reported elsewhere, with the missing option
    auto text = read_(path);
    if (text) return std::move(*text);
    report(cause, option, fmt::format("The file of {} {}.", what, text.error()));
    return std::nullopt;
  }

  void pair(const Place& place) {
    auto& pair = out_.pairs.emplace_back(TlsBundle::Pair{.certificates = {}, .key = {}, .name = place.label});
    const auto certificate =
        file(place.certificate_path, place.certificate_option, place.certificate_name, Cause::FILE_UNREADABLE);
    const auto key = file(place.key_path, place.key_option, place.key_name, Cause::KEY_UNREADABLE);
    if (certificate && key && swapped(certificate->bytes, key->bytes)) {
      judged_all_ = false;
      report(Cause::KEY_PAIR_MISMATCH, place.key_option,
          fmt::format("The files are swapped: {} names the private key, and {} the certificate.",
              place.certificate_name, place.key_name),
          "Swap the two paths.");
      return;
    }
    if (key)
      if (auto fault = exposed(place.key_option, *key, place.key_path)) out_.faults.push_back(std::move(*fault));
    if (certificate) pair.certificates = certificate->bytes;
    if (key) pair.key = key->bytes;
    if (certificate && key)
      judge(pair, place);
    else
      judged_all_ = false;
  }

  static bool swapped(const std::string& certificate, const std::string& key) {
    return pem::private_key_in(certificate) && pem::certificates_in(certificate).empty() &&
        !pem::certificates_in(key).empty();
  }

  void judge(TlsBundle::Pair& pair, const Place& place) {
    const auto chain = pem::certificates_in(pair.certificates);
    const auto key = pem::private_key_in(pair.key);
    const auto begins = chain.empty() ? std::nullopt : time_of(X509_get0_notBefore(chain[0].get()));
    const auto ends = chain.empty() ? std::nullopt : time_of(X509_get0_notAfter(chain[0].get()));
    if (chain.empty() || !begins || !ends) {
      judged_all_ = false;
      report(Cause::FILE_UNREADABLE, place.certificate_option,
          fmt::format("The file of {} {}.", place.certificate_name,
              chain.empty() ? "does not contain a PEM certificate" : "contains a certificate without valid times"));
      return;
    }
    pair.expires = ends;
    if (!key)
      report(Cause::KEY_UNREADABLE, place.key_option,
          fmt::format(
              "The file of {} does not contain a PEM private key, or the key has a passphrase.", place.key_name));
    else if (X509_check_private_key(chain[0].get(), key.get()) != 1)
      report(Cause::KEY_PAIR_MISMATCH, place.key_option,
          fmt::format("{} is not that of the first certificate in {}.", place.key_said, place.certificate_name));
    if (*ends <= now_)
      report(Cause::CERTIFICATE_EXPIRED, place.certificate_option,
          fmt::format("The certificate of {} expired at {}.", place.certificate_name, rfc3339(*ends)));
    else if (*ends - now_ < kRenewalNotice)
      report(Cause::CERTIFICATE_EXPIRED, place.certificate_option,
          fmt::format("The certificate of {} expires at {}.", place.certificate_name, rfc3339(*ends)))
          .severity = Severity::warning;
    for (std::size_t i = 1; i < chain.size(); ++i)
      told_of_end(chain[i].get(), place.certificate_option,
          fmt::format("In the file of {}, certificate {}", place.certificate_name, i + 1));
    for (const auto& certificate : chain)
      pair.expires = std::min(*pair.expires, time_of(X509_get0_notAfter(certificate.get())).value_or(*ends));
    if (*begins > now_)
      report(Cause::CERTIFICATE_NOT_YET_VALID, place.certificate_option,
          fmt::format("The certificate of {} is valid from {}.", place.certificate_name, rfc3339(*begins)));
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
      if (X509_check_issued(chain[i + 1].get(), chain[i].get()) == X509_V_OK &&
          X509_verify(chain[i].get(), X509_get0_pubkey(chain[i + 1].get())) == 1)
        continue;
      report(Cause::CERTIFICATE_CHAIN_BROKEN, place.certificate_option,
          fmt::format(
              "In the file of {}, certificate {} was not issued by the one after it.", place.certificate_name, i + 1))
          .severity = Severity::warning;
      break;
    }
    if (const auto url = wire::parse_url(config_.public_url))
      names_our_host_ = names_our_host_ || covers(chain[0].get(), url->host);
    ERR_clear_error();
  }

  // A certificate of a third party: clients may have another chain.
  void told_of_end(const X509* certificate, std::string_view option, const std::string& which) {
    const auto ends = time_of(X509_get0_notAfter(certificate));
    if (!ends || *ends - now_ >= kRenewalNotice) return;
    report(Cause::CERTIFICATE_EXPIRED, option,
        fmt::format("{} {} at {}.", which, *ends <= now_ ? "expired" : "expires", rfc3339(*ends)))
        .severity = Severity::warning;
  }

  void client_ca() {
    if (config_.tls_client_ca_file.empty()) return;
    auto text =
        file(config_.tls_client_ca_file, "tls_client_ca_file", name("tls_client_ca_file"), Cause::FILE_UNREADABLE);
    if (!text) return;
    const auto authorities = pem::certificates_in(text->bytes);
    if (authorities.empty())
      report(Cause::FILE_UNREADABLE, "tls_client_ca_file",
          fmt::format("The file of {} does not contain a PEM certificate.", name("tls_client_ca_file")));
    for (std::size_t i = 0; i < authorities.size(); ++i)
      told_of_end(authorities[i].get(), "tls_client_ca_file",
          fmt::format("In the file of {}, certificate {}", name("tls_client_ca_file"), i + 1));
    out_.client_ca = std::move(text->bytes);
  }

  const Config& config_;
  const ReadFile& read_;
  WallTime now_;
  TlsBundle out_;
  bool names_our_host_ = false;
  bool judged_all_ = true; // every certificate could be read
};

} // namespace

bool TlsBundle::usable() const {
  return std::ranges::none_of(faults, [](const Fault& fault) { return fault.severity == Severity::error; });
}

TlsBundle read_tls(const Config& config, const ReadFile& read, WallTime now) {
  return Reading(config, read, now).run();
}

bool holds_certificate(std::string_view text) { return !pem::certificates_in(text).empty(); }

std::vector<std::string> tls_paths(const Config& config) {
  std::vector<std::string> out;
  for (const auto& path : {config.tls_cert_file, config.tls_key_file, config.tls_client_ca_file})
    if (!path.empty()) out.push_back(path);
  for (const auto& entry : config.tls_more_certificates) {
    const auto colon = entry.find(':');
    out.push_back(entry.substr(0, colon));
    if (colon != std::string::npos) out.push_back(entry.substr(colon + 1));
  }
  return out;
}

std::optional<Fault> exposed(std::string_view option, const FileText& file, std::string_view path) {
  auto seen = exposure(file, path);
  if (!seen) return std::nullopt;
  return Fault{.code = Cause::SECRET_FILE_EXPOSED,
      .option = option,
      .message =
          fmt::format("The file of {} is accessible to all users (mode {:04o}).", name(option), file.mode & 07777),
      .fix = std::move(seen->fix),
      .severity = seen->severity};
}

} // namespace foyer::config
