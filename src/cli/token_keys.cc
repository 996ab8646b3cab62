#include "cli/token_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "app/signing_key.h"
#include "base/bytes.h"
#include "config/development.h"
#include "store/data_dir.h"

namespace foyer::cli {

std::optional<std::string> TokenArgs::value(std::string_view name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional{found->second};
}

bool TokenArgs::has(std::string_view flag) const { return std::ranges::find(flags, flag) != flags.end(); }

std::expected<TokenArgs, std::string> read_token_args(
    Args args, std::span<const std::string_view> with_value, std::span<const std::string_view> flags) {
  std::vector<std::string_view> options{"--data", "--config", "--dev", "--environment", "--help"};
  options.insert(options.end(), with_value.begin(), with_value.end());
  options.insert(options.end(), flags.begin(), flags.end());
  TokenArgs out;
  const auto take = [&](const std::string& arg, std::size_t& i) -> std::expected<bool, std::string> {
    const auto name = std::string_view{arg}.substr(0, arg.find('='));
    if (std::ranges::find(flags, arg) != flags.end()) {
      out.flags.push_back(arg);
      return true;
    }
    if (std::ranges::find(with_value, name) != with_value.end()) {
      auto value = value_of(name, args, i);
      if (!value) return false;
      if (!out.values.emplace(name, std::move(*value)).second)
        return std::unexpected(fmt::format("{} is given twice", name));
      return true;
    }
    if (name.size() > 2 && name.size() < arg.size() && name.starts_with("--")) { // an option of `serve`
      out.options.push_back(arg);
      return true;
    }
    if (const auto value = value_of("--environment", args, i)) {
      out.options.push_back("--environment=" + *value);
      return true;
    }
    return false;
  };
  auto words = words_of(args, out, options, false, take);
  if (!words) return std::unexpected(words.error());
  out.rest = std::move(*words);
  return out;
}

std::optional<WallTime> parse_moment(std::string_view text) {
  if (text.empty() || text.size() > 40) return std::nullopt;
  if (std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; })) {
    char* end = nullptr;
    const std::string copy{text};
    const double seconds = std::strtod(copy.c_str(), &end);
    if (*end != '\0' || seconds > 253'402'300'799.0) return std::nullopt;
    return WallTime{Millis{static_cast<std::int64_t>(seconds * 1000)}};
  }
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  char zone = 0;
  if (std::sscanf(std::string{text}.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d%c", &year, &month, &day, &hour, &minute, &second,
          &zone) != 7 ||
      (zone != 'Z' && zone != 'z') || text.size() != 20)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return WallTime{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
      std::chrono::seconds{second};
}

config::Loaded load_for_tokens(std::vector<std::string> options) {
  config::Inputs inputs{
      .args = std::move(options), .environment = config::system_environment(), .read = config::system_files()};
  auto loaded = config::load(inputs);
  if (!loaded.environment_given) {
    // The data directory knows its environment.
    const auto data = store::DataDir::existing(loaded.config.data);
    const auto noted = data ? data->environment() : std::nullopt;
    if (noted) {
      inputs.args.push_back("--environment=" + *noted);
      loaded = config::load(inputs);
    }
  }
  (void)config::adopt_generated_secrets(loaded, inputs.read);
  config::resolve_addresses(loaded.config, 0);
  return loaded;
}

Result<std::string> read_text(const std::string& path) {
  if (path == "-") return std::string{std::istreambuf_iterator<char>{std::cin}, {}};
  auto file = config::system_files()(path);
  if (!file) return refuse(Cause::FILE_UNREADABLE, fmt::format("{} {}", printable(path, 128), file.error()));
  return std::move(file->bytes);
}

Result<GivenKeys> read_keys(std::string_view text, bool secret_allowed) {
  GivenKeys out;
  const auto start = text.find_first_not_of(" \t\r\n");
  const bool is_json = start != std::string_view::npos && text[start] == '{';
  if (!is_json && (!secret_allowed || text.find("-----BEGIN") != std::string_view::npos)) {
    TRY(key, jose::Key::parse_pem(text));
    out.keys.push_back(std::move(key));
    return out;
  }
  if (!is_json) {
    TRY(key, jose::Key::from_secret(text));
    out.keys.push_back(key.opened());
    return out;
  }
  const auto value = json::parse(text);
  if (value && value->is_object() && value->get_object().contains("keys")) {
    TRY(set, jose::KeySet::parse(text));
    // The user asks about this file, so contradictions in it are reported, not skipped.
    for (const auto& key : set->ignored())
      if (key.why.cause == Cause::CONFLICTING_KEYS || key.why.field == "kid") return std::unexpected(key.why);
    out.keys = set->keys();
    out.names_kid = true;
    return out;
  }
  TRY(key, jose::Key::parse_jwk(text));
  out.names_kid = value->get_object().contains("kid");
  out.keys.push_back(std::move(key));
  return out;
}

namespace {

Result<GivenKeys> named_keys(const TokenArgs& args, const config::Config& config) {
  const auto key = args.value("--key");
  const auto secret_env = args.value("--secret-env");
  if (key && secret_env) return refuse(Cause::CONFLICTING_KEYS, "--key and --secret-env");
  if (key) {
    if (key->starts_with('{')) return read_keys(*key, false);
    TRY(text, read_text(*key));
    return read_keys(text, false);
  }
  if (secret_env) {
    const char* secret = std::getenv(secret_env->c_str());
    if (secret == nullptr)
      return refuse(
          Cause::MISSING_JWT_SECRET, fmt::format("the environment has no variable {}", printable(*secret_env, 64)));
    TRY(made, jose::Key::from_secret(secret));
    return GivenKeys{.keys = {made.opened()}};
  }
  if (!config.jwt_secret_key.empty() || !config.jwt_private_key_file.empty()) {
    TRY(made, app::configured_key(config));
    return GivenKeys{.keys = {std::move(made)}, .names_kid = true};
  }
  return refuse(Cause::MISSING_JWT_SECRET,
      fmt::format("no --key, no --secret-env, and no key in the configuration or in the data directory {}",
          printable(config.data, 128)));
}

} // namespace

Result<GivenKeys> keys_of(const TokenArgs& args, const config::Config& config) {
  TRY(given, named_keys(args, config));
  const auto name = args.value("--alg");
  if (!name) return given;
  const auto algorithm = jose::find_algorithm(*name);
  if (!algorithm)
    return refuse_field(Cause::INVALID_VALUE, "--alg",
        fmt::format("{} is not a signature algorithm; use for example RS256, ES256 or EdDSA", printable(*name, 32)));
  for (auto& key : given.keys) {
    TRY(pinned, key.with_algorithm(*algorithm));
    key = std::move(pinned);
  }
  return given;
}

std::string token_argument(const TokenArgs& args) {
  if (!args.rest.empty() && args.rest.front() != "-") return args.rest.front();
  std::string text{std::istreambuf_iterator<char>{std::cin}, {}};
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

int token_fails(const Refusal& refusal) {
  refused_command("token", refusal);
  return kCouldNotRun;
}

} // namespace foyer::cli
