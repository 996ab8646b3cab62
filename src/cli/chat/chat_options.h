// The arguments of `foyer chat`, and how it gets its first token.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "cli/chat/chat_text.h"
#include "cli/command_line.h"
#include "client/http_client.h"

namespace foyer::cli {

struct ChatOptions : HelpArgument {
  wire::Url socket;  // ws or wss, with the socket's path
  std::string name;  // log in as
  std::string token; // in place of a name
  std::vector<std::string> rooms;
  std::uint32_t history = 20;
  bool password_from_input = false;
  bool token_from_input = false;
  bool totp_from_input = false;
  std::string totp;            // a code of the second factor, from FOYER_TOTP
  bool register_first = false; // --register: create the account
  bool raw = false;            // --json
  client::TlsOptions tls;
};

[[nodiscard]] std::string_view chat_usage();
[[nodiscard]] std::expected<ChatOptions, std::string> parse_chat_options(Args args); // the error is a sentence

struct Tokens {
  std::string access;
  std::string refresh; // empty: none
};
struct LoginFailure {
  std::optional<ReceivedRefusal> refusal;
  std::string what;
};
using LoginResult = std::expected<Tokens, LoginFailure>;

// The HTTP side of a socket's URL: http for ws, https for wss. `path`: of the server, below the path of PUBLIC_URL.
[[nodiscard]] wire::Url http_url(const wire::Url& socket, std::string path);
// totp: a code of the second factor; empty: none
[[nodiscard]] client::HttpCall login_call(
    const ChatOptions& options, const std::string& password, const std::string& totp = {});
[[nodiscard]] client::HttpCall refresh_call(const ChatOptions& options, const std::string& refresh_token);
// A request about the account of the logged-in user.
[[nodiscard]] client::HttpCall account_call(
    const ChatOptions& options, const std::string& access_token, std::string method, std::string path);
[[nodiscard]] LoginResult read_login(const client::HttpResult& answer);
// The refusal in an answer, if it is one of Foyer's problems.
[[nodiscard]] std::optional<ReceivedRefusal> refusal_from(const Response& answer);

} // namespace foyer::cli
