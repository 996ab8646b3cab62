#include "config/development.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "config/preflight.h"
#include "config/secrets.h"
#include "jose/jwk.h"

namespace foyer::config {
namespace {

// Written atomically: to a file beside it, then linked to its name. The first process wins.
bool write_private_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  ::unlink(beside.c_str());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  bool good = true;
  while (good && !text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    good = n > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(n));
  }
  good = good && ::fsync(fd) == 0;
  good = ::close(fd) == 0 && good;
  good = good && (::link(beside.c_str(), path.c_str()) == 0 || errno == EEXIST);
  ::unlink(beside.c_str());
  return good;
}

class Generated {
 public:
  Generated(Loaded& loaded, const ReadFile& read, Entropy* entropy)
      : loaded_(loaded),
        config_(loaded.config),
        read_(read),
        entropy_(entropy) {}

  std::vector<Finding> run() {
    const bool development = loaded_.environment_given && config_.environment == Environment::development;
    if (development && config_.identity == IdentityMode::external) { // no auth service, so no secrets of it
      secret("api_key", config_.api_key);
      return std::move(findings_);
    }
    if (!generates_secrets(loaded_)) return {};
    secret("service_secret", config_.service_secret);
    secret("api_key", config_.api_key);
    if (config_.jwt_secret_key.empty() && config_.jwt_private_key_file.empty()) key();
    return std::move(findings_);
  }

 private:
  std::string path_of(std::string_view option) const {
    for (const auto& g : kGenerated)
      if (g.option == option) return fmt::format("{}/{}", config_.data, g.file);
    return {};
  }

  void report(Cause code, std::string_view option, std::string message, std::string fix = {}) {
    Finding finding = finding_about(loaded_, code, option, std::move(message), std::move(fix));
    finding.source = fmt::format("file {}", printable(path_of(option)));
    findings_.push_back(std::move(finding));
  }

  // The file's text, created by `make` if it is absent and allowed; nothing after a finding or when absent.
  template <class Make>
  std::optional<std::string> text_of(std::string_view option, Make make) {
    const std::string path = path_of(option);
    auto file = read_(path);
    if (!file && file.error() == "does not exist") {
      if (entropy_ == nullptr) return std::nullopt;
      if (!write_private_file(path, make())) {
        report(Cause::DATA_UNWRITABLE, option,
            fmt::format("A generated secret cannot be written to the data directory ({}).", std::strerror(errno)));
        return std::nullopt;
      }
      file = read_(path);
    }
    if (!file) {
      report(Cause::FILE_UNREADABLE, option, fmt::format("The generated file {}.", file.error()));
      return std::nullopt;
    }
    if (auto seen = exposure(*file, path)) {
      report(Cause::SECRET_FILE_EXPOSED, option,
          fmt::format("The generated file is accessible to all users (mode {:04o}).", file->mode & 07777),
          std::move(seen->fix));
      findings_.back().severity = seen->severity;
    }
    loaded_.sources[std::string(option)] = {Source::Kind::generated, fmt::format("generated, {}", printable(path))};
    return file->bytes;
  }

  void secret(std::string_view option, std::string& value) {
    if (!value.empty() || loaded_.is_broken(option)) return;
    auto text = text_of(option, [this] { return entropy_->token(); });
    if (!text) return;
    if (text->ends_with('\n')) text->pop_back();
    if (const auto weak = weakness(*text, find_option(option)->min))
      report(Cause::WEAK_SECRET, option, fmt::format("The generated file was modified: it {}.", *weak),
          "Delete the file; a new one is generated at startup.");
    value = std::move(*text);
  }

  void key() {
    const auto algorithm = jose::find_algorithm(config_.jwt_algorithm);
    const auto text = text_of("jwt_private_key_file", [this, algorithm] {
      return jose::Key::generate(algorithm.value_or(jose::Algorithm::eddsa), *entropy_).to_pem();
    });
    if (!text) return;
    const auto key = jose::Key::parse_any(*text);
    if (!key || !key->can_sign() || key->symmetric())
      report(Cause::KEY_UNREADABLE, "jwt_private_key_file", "The generated file does not contain a private key.",
          "Delete the file; a new one is generated at startup.");
    else if (algorithm && !key->takes(*algorithm))
      report(Cause::CONFLICTING_KEYS, "jwt_private_key_file",
          fmt::format("JWT_ALGORITHM is {}, but the generated key is for {}.", config_.jwt_algorithm,
              jose::to_string(key->algorithm())),
          "Delete the file, so that a new one is generated at startup; or remove JWT_ALGORITHM.");
    config_.jwt_private_key_file = path_of("jwt_private_key_file");
  }

  Loaded& loaded_;
  Config& config_;
  const ReadFile& read_;
  Entropy* entropy_; // null: create nothing
  std::vector<Finding> findings_;
};

} // namespace

std::vector<Finding> generate_secrets(Loaded& loaded, const ReadFile& read, Entropy& entropy) {
  return Generated(loaded, read, &entropy).run();
}

std::vector<Finding> adopt_generated_secrets(Loaded& loaded, const ReadFile& read) {
  return Generated(loaded, read, nullptr).run();
}

} // namespace foyer::config
