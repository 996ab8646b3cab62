#include "cli/chat/chat_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/bytes.h"

namespace foyer::cli {

namespace {
constexpr std::string_view kSockets = "/ws/"; // the part before it is the path of PUBLIC_URL
} // namespace

std::string_view chat_usage() {
  return "Usage: foyer chat URL [OPTIONS]\n\n"
         "Chat in a terminal, or from a pipe: each line of input is one command or message.\n"
         "URL is http(s):// or ws(s)://: the address that people use, or the address of the socket. For this machine "
         "the scheme\n"
         "may be omitted.\n\n"
         "  --name NAME        log in as NAME; prompts for the password\n"
         "  --password-stdin   the first line of input is the password\n"
         "  --totp-stdin       the next line of input is a second-factor code or a recovery code; a terminal prompts\n"
         "                     for it when needed; or set the environment variable FOYER_TOTP\n"
         "  --register         create the account NAME first\n"
         "  --token TOKEN      use this access token; other users of this machine can see it in the process list\n"
         "  --token-stdin      the first line of input is the token\n"
         "                     without any of these, the environment variable FOYER_TOKEN is used\n"
         "  --room ROOM        join this room at once; may be repeated\n"
         "  --history N        messages shown on entering a room; default 20\n"
         "  --json             print every received object unchanged, one per line\n"
         "  --ca-file FILE     trust these certificates in addition to the system's\n\n"
         "In the chat, /help lists the commands; /sessions and /signout manage the account.\n\n"
         "Examples:\n"
         "  foyer chat https://chat.example.com --name mira --room tea\n"
         "  printf '%s\\n' \"$PASSWORD\" 'The build is green.' | foyer chat http://127.0.0.1:8000 --name robot "
         "--password-stdin --room builds\n"
         "  printf '%s\\n' \"$PASSWORD\" \"$CODE\" /sessions | foyer chat http://127.0.0.1:8000 --name mira "
         "--password-stdin --totp-stdin\n"
         "  printf '%s\\n' \"$PASSWORD\" '/signout others' | FOYER_TOTP=$CODE foyer chat http://127.0.0.1:8000 --name "
         "mira --password-stdin\n\n"
         "Exit status: 0 after /quit, /signout or the end of input, 1 when refused, 2 when no server could be "
         "reached.\n";
}

namespace {

// "localhost:8000" is a common way to name a local server.
std::expected<wire::Url, std::string> server_url(std::string url) {
  if (url.find("://") == std::string::npos) {
    const std::size_t end = url.starts_with('[') ? url.find(']') + 1 : url.find_first_of(":/");
    const std::string host = url.substr(0, end);
    const bool here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    if (!here)
      return std::unexpected(fmt::format("the URL has no scheme; did you mean https://{}?", printable(url, 128)));
    url.insert(0, "http://");
  }
  auto parsed = wire::parse_url(url);
  if (!parsed) return std::unexpected(fmt::format("invalid URL: {}", parsed.error().evidence));
  return std::move(*parsed);
}

constexpr std::string_view kOptions[] = {"--name", "--token", "--ca-file", "--room", "--history", "--password-stdin",
    "--token-stdin", "--totp-stdin", "--register", "--json", "--help"};

// Whether args[i] was an option of the chat, or its fault.
std::expected<bool, std::string> take(ChatOptions& options, Args args, std::size_t& i) {
  const std::string& arg = args[i];
  if (arg == "--password-stdin") return options.password_from_input = true;
  if (arg == "--token-stdin") return options.token_from_input = true;
  if (arg == "--totp-stdin") return options.totp_from_input = true;
  if (arg == "--register") return options.register_first = true;
  if (arg == "--json") return options.raw = true;
  for (const auto& [name, into] : {std::pair{"--name", &options.name}, std::pair{"--token", &options.token},
           std::pair{"--ca-file", &options.tls.ca_file}})
    if (auto value = value_of(name, args, i)) {
      *into = std::move(*value);
      return true;
    }
  if (auto room = value_of("--room", args, i)) {
    options.rooms.push_back(std::move(*room));
    return true;
  }
  const auto history = value_of("--history", args, i);
  if (!history) return false;
  const char* const end = history->data() + history->size();
  const auto [at, error] = std::from_chars(history->data(), end, options.history);
  if (error != std::errc{} || at != end || options.history > 300)
    return std::unexpected("--history takes a number from 0 to 300");
  return true;
}

} // namespace

std::expected<ChatOptions, std::string> parse_chat_options(Args args) {
  ChatOptions options;
  const auto words = words_of(args, options, kOptions, false,
      [&options, args](const std::string&, std::size_t& i) { return take(options, args, i); });
  if (!words) return std::unexpected(words.error());
  if (options.help) return options;
  if (words->empty()) return std::unexpected("the URL is missing");
  if (words->size() > 1) return std::unexpected("more than one URL");
  auto parsed = server_url(words->front());
  if (!parsed) return std::unexpected(std::move(parsed).error());
  options.socket = std::move(*parsed);
  options.socket.scheme = client::is_secure(options.socket) ? "wss" : "ws";
  std::string& path = options.socket.path;
  while (path.ends_with('/')) path.pop_back();
  if (path.find(kSockets) == std::string::npos) path += "/ws/chat"; // the given path is that of PUBLIC_URL
  const bool by_name = !options.name.empty();
  const bool by_token = !options.token.empty() || options.token_from_input;
  if (by_name && by_token) return std::unexpected("--name and a token cannot be combined; give one of them");
  if (!by_name && (options.password_from_input || options.totp_from_input || options.register_first))
    return std::unexpected("--name is missing");
  if (const char* totp = std::getenv("FOYER_TOTP"); totp != nullptr && by_name) options.totp = totp;
  if (!by_name && !by_token) {
    const char* token = std::getenv("FOYER_TOKEN");
    if (token == nullptr || *token == '\0')
      return std::unexpected("no credentials: give --name, a token, or FOYER_TOKEN");
    options.token = token;
  }
  return options;
}

wire::Url http_url(const wire::Url& socket, std::string path) {
  wire::Url url = socket;
  url.scheme = client::is_secure(socket) ? "https" : "http";
  url.path = socket.path.substr(0, std::min(socket.path.find(kSockets), socket.path.size())) + path;
  url.query.clear();
  return url;
}

namespace {

// The list of sessions shows this name.
client::HttpCall call(const ChatOptions& options, std::string method, std::string path) {
  const std::size_t query = path.find('?');
  client::HttpCall out{.method = std::move(method),
      .url = http_url(options.socket, path.substr(0, query)),
      .headers = {{"User-Agent", "foyer chat"}},
      .body = {},
      .tls = options.tls};
  if (query != std::string::npos) out.url.query = path.substr(query + 1);
  return out;
}

client::HttpCall posted(const ChatOptions& options, std::string path, const json::Object& body) {
  client::HttpCall out = call(options, "POST", std::move(path));
  out.headers.add("Content-Type", "application/json");
  out.body = json::write(body);
  return out;
}

} // namespace

client::HttpCall login_call(const ChatOptions& options, const std::string& password, const std::string& totp) {
  json::Object body{{"name", options.name}, {"password", password}};
  if (!totp.empty()) body["totp"] = totp;
  return posted(options, options.register_first ? "/auth/register" : "/auth/login", body);
}

client::HttpCall refresh_call(const ChatOptions& options, const std::string& refresh_token) {
  return posted(options, "/auth/refresh", {{"refresh_token", refresh_token}});
}

client::HttpCall account_call(
    const ChatOptions& options, const std::string& access_token, std::string method, std::string path) {
  client::HttpCall out = call(options, std::move(method), std::move(path));
  out.headers.add("Authorization", "Bearer " + access_token);
  return out;
}

std::optional<ReceivedRefusal> refusal_from(const Response& answer) {
  const auto body = json::parse(answer.body);
  if (!body || !body->is_object()) return std::nullopt;
  return refusal_from(body->as_object());
}

LoginResult read_login(const client::HttpResult& answer) {
  if (!answer) return std::unexpected(LoginFailure{std::nullopt, answer.error().what});
  if (answer->status != 200 && answer->status != 201) {
    auto refusal = refusal_from(*answer);
    return std::unexpected(LoginFailure{std::move(refusal),
        fmt::format("the server answered the login with {}{}", answer->status,
            answer->headers.find("x-foyer") == nullptr ? ", and it is not Foyer" : "")});
  }
  const auto body = json::parse(answer->body);
  const auto token = body && body->is_object() ? json::get_string(body->as_object(), "access_token") : std::nullopt;
  if (!token) return std::unexpected(LoginFailure{std::nullopt, "the answer to the login has no access token"});
  return Tokens{std::string{*token}, std::string{json::get_string(body->as_object(), "refresh_token").value_or("")}};
}

} // namespace foyer::cli
