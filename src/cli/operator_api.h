// How a command calls a running server's operator API: which server, with which key.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/command.h"
#include "client/http_client.h"

namespace foyer::cli {

struct OperatorOptions {
  std::string url;
  std::string api_key;
  std::string data = "./data";
  client::TlsOptions tls;
  bool as_json = false;
};

inline constexpr std::string_view kOperatorUsage =
    "  --url URL       the server; default the one that runs in DIR\n"
    "  --api-key KEY   the API key; default API_KEY or API_KEY_FILE from the environment, or DIR/api_key\n"
    "  --data DIR      the server's data directory; default ./data\n"
    "  --ca-file FILE  trust these certificates in addition to the system's\n";

struct OperatorCommand {
  std::string_view name;
  std::string_view usage; // "{}" is replaced by kOperatorUsage
};

// Reads --help, --json and the options above; `other` parses every other argument and
// returns an error to print, empty for none. The exit status, if the command ends here.
[[nodiscard]] std::optional<int> read_operator_arguments(const OperatorCommand& command, Args args,
    OperatorOptions& into, const std::function<std::string(const std::string&)>& other);
// Prints that the arguments are wrong, or that the command could not run. Returns the exit status.
int operator_usage(const OperatorCommand& command, std::string_view what);
int operator_failure(const OperatorCommand& command, std::string_view what);

// The server's answer to a request below its API; an error is to be printed.
// `body`: empty for GET, otherwise it is POSTed.
[[nodiscard]] std::expected<json::Object, std::string> ask_as_operator(
    OperatorOptions options, std::string_view path, std::string query, std::string body = {});

[[nodiscard]] std::string percent_encoded(std::string_view text);

} // namespace foyer::cli
