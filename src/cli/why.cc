// `foyer why REF`: the refusal behind a reference that a client was shown.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/bytes.h"
#include "base/cause.h"
#include "base/json.h"
#include "cli/command.h"
#include "net/http_client.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer why REF [OPTIONS]\n\n"
    "What the server knows about the refusal with this reference (the last word of a close reason, `ref` in an answer).\n\n"
    "  --url URL       the server; by default the one that runs in DIR\n"
    "  --api-key KEY   the operator's key; by default API_KEY of the environment, or DIR/api_key\n"
    "  --data DIR      the server's data directory, ./data\n"
    "  --ca-file FILE  trust these certificates besides the system's\n"
    "  --json          the refusal as JSON\n\n"
    "Ends with 0, 1 when the reference is unknown, 2 when the server could not be asked.\n";

struct Options {
  std::string ref;
  std::string url;
  std::string api_key;
  std::string data = "./data";
  net::TlsOptions tls;
  bool as_json = false;
};

int could_not(std::string_view what) {
  fmt::print(stderr, "foyer why: {}\n", what);
  return kCouldNotRun;
}

std::optional<std::string> read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

// DATA/foyer.json, which a server writes once it listens.
// The server of this data directory: where it listens, and whom its certificate is for.
void ask_running_server(Options& options) {
  const auto text = read_small_file(options.data + "/foyer.json");
  if (!text) return;
  const auto value = json::parse(*text);
  if (!value || !value->is_object()) return;
  options.url = json::get_string(value->as_object(), "url").value_or("");
  if (const auto known = wire::parse_url(json::get_string(value->as_object(), "public_url").value_or(""))) options.tls.name = known->host;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    if (plain) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string text_of(const json::Object& object, std::string_view name) { return printable(json::get_string(object, name).value_or(""), 2048); }

void print_refusal(const json::Object& refusal) {
  const std::string code = text_of(refusal, "code");
  fmt::print("{} (step {}), ref {}\n", code, text_of(refusal, "step"), text_of(refusal, "ref"));
  fmt::print("  {}", text_of(refusal, "time"));
  for (const auto& [label, member] : {std::pair{"user", "user"}, {"from", "address"}, {"origin", "origin"}, {"path", "path"}})
    if (const std::string value = text_of(refusal, member); !value.empty()) fmt::print(", {} {}", label, value);
  if (const auto count = json::get_int(refusal, "count"); count && *count > 1) fmt::print(", {} times", *count);
  fmt::print("\n\n  {}\n", text_of(refusal, "operator"));
  if (const auto cause = find_cause(code)) {
    const std::string next = text_of(refusal, "next"); // the server's own words, which may name the proxy
    fmt::print("\n  Next: {}\n  Who must act: {}\n", next.empty() ? info(*cause).next : next, to_string(info(*cause).who));
  }
  const json::Value* steps = refusal.if_contains("steps");
  if (steps == nullptr || !steps->is_array() || steps->get_array().empty()) return;
  fmt::print("\n  Examined:");
  std::string_view separator = " ";
  for (const json::Value& row : steps->get_array()) {
    if (!row.is_object()) continue;
    const json::Value* ms = row.get_object().if_contains("ms");
    fmt::print("{}{}", separator, text_of(row.get_object(), "step"));
    if (ms != nullptr && ms->is_number()) fmt::print(" {:.2f} ms", ms->to_number<double>());
    separator = ", ";
  }
  fmt::print("\n");
}

std::optional<Options> parse(Args args, int& status) {
  Options options;
  const auto usage = [&](std::string_view what) {
    status = kCouldNotRun;
    fmt::print(stderr, "foyer why: {}\n\n{}", what, kUsage);
    return std::nullopt;
  };
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--help" || arg == "-h") {
      fmt::print("{}", kUsage);
      status = 0;
      return std::nullopt;
    }
    const std::string name = arg.substr(0, arg.find('='));
    std::string* into = name == "--url" ? &options.url : name == "--api-key" ? &options.api_key : name == "--data" ? &options.data : name == "--ca-file" ? &options.tls.ca_file : nullptr;
    if (into != nullptr) {
      if (name.size() < arg.size()) *into = arg.substr(name.size() + 1);
      else if (i + 1 < args.size()) *into = args[++i];
      else return usage(name + " needs a value");
    } else if (arg == "--json") {
      options.as_json = true;
    } else if (arg.starts_with('-')) {
      return usage("unknown option " + printable(arg, 64));
    } else if (options.ref.empty()) {
      options.ref = arg;
    } else {
      return usage("more than one reference");
    }
  }
  if (options.ref.empty()) return usage("the reference is missing");
  return options;
}

} // namespace

int run_why(Args args) {
  int status = 0;
  auto options = parse(args, status);
  if (!options) return status;
  if (options->url.empty()) ask_running_server(*options);
  if (options->url.empty()) return could_not(fmt::format("no server runs in {} (there is no foyer.json); say --url or --data", options->data));
  if (options->api_key.empty())
    for (const char* name : {"FOYER_API_KEY", "API_KEY"})
      if (const char* value = std::getenv(name); value != nullptr && options->api_key.empty()) options->api_key = value;
  if (options->api_key.empty()) options->api_key = read_small_file(options->data + "/api_key").value_or("");
  if (options->api_key.empty()) return could_not(fmt::format("no key: {}/api_key cannot be read; say --api-key or set API_KEY", options->data));
  auto url = wire::parse_url(options->url);
  if (!url) return could_not(fmt::format("the URL is not usable: {}", url.error().evidence));
  while (url->path.ends_with('/')) url->path.pop_back();
  url->path += "/api/refusals";
  url->query = "ref=" + percent_encoded(options->ref);

  const auto answer = net::http_request({.url = *url, .headers = {{"X-API-Key", options->api_key}}, .body = {}, .tls = options->tls});
  if (!answer) return could_not(answer.error().what);
  const auto body = json::parse(answer->body);
  const json::Object* object = body && body->is_object() ? &body->as_object() : nullptr;
  if (answer->status != 200 || object == nullptr) {
    const bool ours = answer->headers.find("x-foyer") != nullptr;
    const std::string code = object != nullptr ? text_of(*object, "code") : "";
    std::string what = fmt::format("{} answered {}{}{}", url->origin(), answer->status, code.empty() ? "" : " " + code, ours ? "" : ", and is not Foyer");
    if (const auto cause = find_cause(code)) what += fmt::format("\n  {}\n  Next: {}", info(*cause).client, info(*cause).next);
    return could_not(what);
  }
  const json::Value* list = object->if_contains("refusals");
  if (list == nullptr || !list->is_array() || list->get_array().empty() || !list->get_array().front().is_object()) {
    fmt::print(stderr, "No refusal with the reference {} is remembered: it is mistyped, older than the last 1,024 refusals, or from before the server's start.\n", printable(options->ref, 64));
    return 1;
  }
  const json::Object& refusal = list->get_array().front().get_object();
  if (options->as_json) fmt::print("{}\n", json::write_pretty(refusal));
  else print_refusal(refusal);
  return 0;
}

} // namespace foyer::cli
