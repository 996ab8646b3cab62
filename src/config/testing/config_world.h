// A process's inputs in memory: arguments, variables, files, time.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/preflight.h"
#include "jose/jwk.h"

namespace foyer::config {

struct World {
  std::vector<std::string> args = {};
  Variables env = {};
  std::map<std::string, FileText> files = {};
  WallTime now = from_unix_seconds(1'700'000'000);

  ReadFile reader() const {
    return [this](const std::string& path) -> std::expected<FileText, std::string> {
      const auto found = files.find(path);
      if (found == files.end()) return std::unexpected("does not exist");
      return found->second;
    };
  }
  Loaded loaded() const { return load({args, env, reader()}); }
  std::vector<Finding> findings() const { return preflight(loaded(), {reader(), now}); }
  // The codes found, in order.
  std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const auto& f : findings()) out.emplace_back(code_of(f.code));
    return out;
  }
  // The only finding; there must be exactly one.
  Finding only() const {
    auto all = findings();
    return all.size() == 1
        ? all.front()
        : Finding{.code = Cause::INTERNAL_ERROR, .message = "not exactly one finding: " + std::to_string(all.size())};
  }
};

inline const std::string kServiceSecret = "qJ7!uW2s-Zk4pR9xVt6mLb3nYc8eHd5g";
inline const std::string kTokenSecret = "n0tTh3S4m3-Wq8zXc5vBn2mKj7hGf4dS";

inline std::string key_pem(std::uint64_t seed = 1) {
  FixedEntropy entropy(seed);
  return jose::Key::generate(jose::Algorithm::eddsa, entropy).to_pem();
}

// A gateway without the auth role in staging, completely configured.
inline World staging_gateway() {
  return {.args = {"--role", "gateway"},
      .env = {{"ENVIRONMENT", "staging"}, {"SERVICE_ID", "gateway-1"}, {"SERVICE_SECRET", kServiceSecret},
          {"JWT_SECRET_KEY", kTokenSecret}, {"AUTH_SERVICE_URL", "https://auth.internal.example.com"},
          {"PUBLIC_URL", "https://chat.example.com"}},
      .files = {}};
}
// The same in development, without the options that staging requires.
inline World test_gateway() {
  World out = staging_gateway();
  out.env["ENVIRONMENT"] = "test";
  out.env.erase("SERVICE_ID");
  out.env.erase("PUBLIC_URL");
  return out;
}

} // namespace foyer::config
