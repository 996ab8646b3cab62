#include "cli/operator_api.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/bytes.h"
#include "base/cause.h"

namespace foyer::cli {
namespace {

std::optional<std::string> read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

// DATA/foyer.json, written by a listening server: its address, and the name in its certificate.
void find_running_server(OperatorOptions& options) {
  const auto text = read_small_file(options.data + "/foyer.json");
  if (!text) return;
  const auto value = json::parse(*text);
  if (!value || !value->is_object()) return;
  options.url = json::get_string(value->as_object(), "url").value_or("");
  if (const auto known = wire::parse_url(json::get_string(value->as_object(), "public_url").value_or("")))
    options.tls.name = known->host;
}

void find_key(OperatorOptions& options) {
  const auto take = [&options](const char* name) {
    const char* value = std::getenv(name);
    if (value != nullptr && options.api_key.empty()) options.api_key = value;
    const char* file = std::getenv((std::string(name) + "_FILE").c_str());
    if (file != nullptr && options.api_key.empty()) options.api_key = read_small_file(file).value_or("");
  };
  take("FOYER_API_KEY");
  take("API_KEY");
  if (options.api_key.empty()) options.api_key = read_small_file(options.data + "/api_key").value_or("");
}

// Parses args[i] (and its value) if it is one of kOperatorUsage. False: it is another one. An error is to be printed.
std::expected<bool, std::string> take_option(Args args, std::size_t& i, OperatorOptions& into) {
  const std::string& arg = args[i];
  const std::string name = arg.substr(0, arg.find('='));
  std::string* value = nullptr;
  if (name == "--url") value = &into.url;
  if (name == "--api-key") value = &into.api_key;
  if (name == "--data") value = &into.data;
  if (name == "--ca-file") value = &into.tls.ca_file;
  if (value == nullptr) return false;
  if (name.size() < arg.size())
    *value = arg.substr(name.size() + 1);
  else if (i + 1 < args.size())
    *value = args[++i];
  else
    return std::unexpected(name + " needs a value");
  return true;
}

} // namespace

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

int operator_usage(const OperatorCommand& command, std::string_view what) {
  fmt::print(
      stderr, "foyer {}: {}\n\n{}", command.name, what, fmt::format(fmt::runtime(command.usage), kOperatorUsage));
  return kCouldNotRun;
}

int operator_failure(const OperatorCommand& command, std::string_view what) {
  fmt::print(stderr, "foyer {}: {}\n", command.name, what);
  return kCouldNotRun;
}

std::optional<int> read_operator_arguments(const OperatorCommand& command, Args args, OperatorOptions& into,
    const std::function<std::string(const std::string&)>& other) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--help" || arg == "-h") {
      fmt::print(fmt::runtime(command.usage), kOperatorUsage);
      return 0;
    }
    const auto taken = take_option(args, i, into);
    if (!taken) return operator_usage(command, taken.error());
    if (*taken) continue;
    if (arg == "--json")
      into.as_json = true;
    else if (auto wrong = other(arg); !wrong.empty())
      return operator_usage(command, wrong);
  }
  return std::nullopt;
}

std::expected<json::Object, std::string> ask_as_operator(
    OperatorOptions options, std::string_view path, std::string query, std::string body) {
  if (options.url.empty()) find_running_server(options);
  if (options.url.empty())
    return std::unexpected(
        fmt::format("no server is running in {} (there is no foyer.json); use --url or --data", options.data));
  if (options.api_key.empty()) find_key(options);
  if (options.api_key.empty())
    return std::unexpected(
        fmt::format("no API key: {}/api_key cannot be read; use --api-key or set API_KEY", options.data));
  auto url = wire::parse_url(options.url);
  if (!url) return std::unexpected(fmt::format("invalid URL: {}", url.error().evidence));
  while (url->path.ends_with('/')) url->path.pop_back();
  url->path += path;
  url->query = std::move(query);

  client::HttpCall call{.url = *url, .headers = {{"X-API-Key", options.api_key}}, .body = {}, .tls = options.tls};
  if (!body.empty()) {
    call.method = "POST";
    call.headers.add("Content-Type", "application/json");
    call.body = std::move(body);
  }
  const auto answer = client::http_request(std::move(call));
  if (!answer) return std::unexpected(answer.error().what);
  auto parsed = json::parse(answer->body);
  json::Object* object = parsed && parsed->is_object() ? &parsed->as_object() : nullptr;
  if (answer->status == 200 && object != nullptr) return std::move(*object);
  const bool ours = answer->headers.find("x-foyer") != nullptr;
  const std::string code = object != nullptr ? printable(json::get_string(*object, "code").value_or(""), 2048) : "";
  std::string what = fmt::format("{} answered {}{}{}", url->origin(), answer->status, code.empty() ? "" : " " + code,
      ours ? "" : ", and is not Foyer");
  if (const auto cause = find_cause(code))
    what += fmt::format("\n  {}\n  Next: {}", info(*cause).client, info(*cause).next);
  return std::unexpected(std::move(what));
}

} // namespace foyer::cli
