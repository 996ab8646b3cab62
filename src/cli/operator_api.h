// How a command asks a running server as its operator: which server, with which key.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/command.h"
#include "net/http_client.h"

namespace foyer::cli {

struct OperatorOptions {
  std::string url;
  std::string api_key;
  std::string data = "./data";
  net::TlsOptions tls;
};

inline constexpr std::string_view kOperatorUsage =
    "  --url URL       the server; by default the one that runs in DIR\n"
    "  --api-key KEY   the operator's key; by default API_KEY of the environment, or DIR/api_key\n"
    "  --data DIR      the server's data directory, ./data\n"
    "  --ca-file FILE  trust these certificates besides the system's\n";

// Takes args[i] (and its value) if it is one of these. False: it is another one.
// An error is what to print.
[[nodiscard]] std::expected<bool, std::string> take_operator_option(Args args, std::size_t& i, OperatorOptions& into);

// What the server answered to a request under its API; an error is what to print.
// `body`: empty for GET, else it is POSTed.
[[nodiscard]] std::expected<json::Object, std::string> ask_as_operator(OperatorOptions options, std::string_view path, std::string query,
                                                                       std::string body = {});

[[nodiscard]] std::string percent_encoded(std::string_view text);

} // namespace foyer::cli
