#include "doctor/sayings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/cause.h"
#include "doctor/finding.h"
#include "doctor/lower.h"

namespace foyer::doctor {
namespace {

struct Saying {
  std::string_view text, means, codes, next;
};
constexpr Saying kSayings[] = {
#define FOYER_SAYING(...) {__VA_ARGS__},
#include "doctor/sayings.def"
#undef FOYER_SAYING
};

struct Numbered {
  int number;
  std::string_view means, codes, next;
};
// Of the answer to a handshake.
constexpr Numbered kStatuses[] = {
    {200, "Something answered the handshake with a page instead of 101.",
        "PATH_SPA_FALLBACK LOGIN_PAGE_200 PROXY_STRIPS_UPGRADE", ""},
    {301, "The answer leads to another address, which no WebSocket follows.",
        "REDIRECT_TO_HTTPS REDIRECT_SLASH REDIRECT_ELSEWHERE", ""},
    {302, "The answer leads to another address, which no WebSocket follows.",
        "REDIRECT_LOGIN REDIRECT_TO_HTTPS REDIRECT_ELSEWHERE", ""},
    {307, "The answer leads to another address, which no WebSocket follows.",
        "REDIRECT_TO_HTTPS REDIRECT_LOGIN REDIRECT_ELSEWHERE", ""},
    {308, "The answer leads to another address, which no WebSocket follows.",
        "REDIRECT_TO_HTTPS REDIRECT_SLASH REDIRECT_ELSEWHERE", ""},
    {400, "The handshake arrived incomplete or too large.",
        "PROXY_STRIPS_UPGRADE HEADERS_TOO_LARGE_AT_HOP TLS_REQUIRED UPGRADE_REFUSED", ""},
    {401, "A credential is missing or was not accepted.",
        "NO_TOKEN TOKEN_MISSING TOKEN_EXPIRED TOKEN_REFUSED PROXY_BASIC_AUTH", ""},
    {403, "Somebody forbids it: most often the list of origins.",
        "ORIGIN_NOT_ALLOWED ORIGIN_FORBIDDEN UPGRADE_NOT_ALLOWED_HERE WAF_BLOCK UPGRADE_FORBIDDEN", ""},
    {404, "There is no WebSocket at this path.", "UNKNOWN_PATH PATH_404 URL_DOUBLE_PATH UPGRADE_NOT_ALLOWED_HERE", ""},
    {405, "What answers does not accept this method at this path.", "METHOD_NOT_ALLOWED PATH_404", ""},
    {407, "A proxy on the client's side wants a password.", "",
        "Give the client the proxy's password, or exempt the address."},
    {414, "The address is too long, most often because of a token in it.", "TARGET_TOO_LONG HEADERS_TOO_LARGE_AT_HOP",
        ""},
    {421, "The server does not serve this host name.", "HOST_NOT_ALLOWED VHOST_UNKNOWN", ""},
    {426, "The request arrived without its upgrade.", "UPGRADE_STRIPPED PROXY_STRIPS_UPGRADE WS_VERSION_UNSUPPORTED",
        ""},
    {429, "There were too many handshakes.", "ADDRESS_RATE_LIMIT TOO_MANY_HANDSHAKES", ""},
    {431, "The headers are too large, most often because of cookies or a token.",
        "HEADERS_TOO_LARGE HEADERS_TOO_LARGE_AT_HOP", ""},
    {500, "Something on the way failed.", "AUTH_SUBREQUEST_ERROR SERVER_ERROR BACKEND_GONE", ""},
    {502, "A proxy does not reach the server.", "BACKEND_GONE BACKEND_GONE_FOR_SOCKETS", ""},
    {503, "Nobody takes the connection at the moment.", "NOT_READY DRAINING SERVER_FULL BACKEND_GONE", ""},
    {504, "A proxy waited for the server in vain.", "PROXY_504", ""},
};
// Of a Close (RFC 6455 §7.4.1). Foyer's own are 4000 and the status.
constexpr Numbered kCloses[] = {
    {1000, "One side ended the connection as planned.", "",
        "Look at which side closed it, and at the reason beside the code."},
    {1001, "The server stops, or the page was left.", "DRAINING SERVER_SHUTDOWN PROXY_RELOADED", ""},
    {1002, "One side broke the protocol.", "PROTOCOL_ERROR BROKEN_FRAMES", ""},
    {1003, "A kind of message came that the other side does not take.", "UNSUPPORTED_DATA", ""},
    {1005, "A Close without a number.", "",
        "Look at which side closed it: a library's close() without arguments sends this."},
    {1006, "The connection ended without a Close, or never opened: browsers hide every other cause behind this number.",
        "",
        "Look into the browser's console for the line that begins with `WebSocket connection to`, or ask `foyer doctor "
        "URL --origin ORIGIN`."},
    {1007, "A text was not UTF-8.", "INVALID_UTF8", ""},
    {1008, "The server's rules forbid it.", "", "Read the reason beside the code."},
    {1009, "A message was too big.", "MESSAGE_TOO_BIG", ""},
    {1011, "The server failed.", "INTERNAL_ERROR SERVER_ERROR", ""},
    {1012, "The server restarts.", "DRAINING SERVER_SHUTDOWN", ""},
    {1013, "The server is too busy.", "CONNECTION_LIMIT SLOW_CONSUMER", ""},
    {1015, "The TLS handshake failed.", "TLS_SELF_SIGNED TLS_NAME_MISMATCH TLS_CERT_EXPIRED TLS_PEER_IS_PLAINTEXT", ""},
};

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Meaning meaning_of(std::string_view means, std::string_view codes, std::string_view next) {
  return {.means = std::string{means}, .codes = words_of(codes), .next = std::string{next}};
}

struct Told {
  std::string_view code, client, next;
};
std::optional<Told> told(std::string_view code) {
  if (const auto cause = find_cause(code)) return Told{info(*cause).code, info(*cause).client, info(*cause).next};
  if (const auto finding = find_finding(code))
    return Told{info(*finding).code, info(*finding).client, info(*finding).next};
  return std::nullopt;
}

// A code of Foyer, as the reason of a Close or a problem has it: TOKEN_EXPIRED.
std::optional<Meaning> named_in(std::string_view text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  for (std::size_t i = text.find_first_of(kLetters); i != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_not_of(kLetters, i), text.size());
    const std::string_view word = text.substr(i, end - i);
    if (word.contains('_'))
      if (const auto known = told(word))
        return Meaning{.means = std::string{known->client},
            .codes = {known->code},
            .next = std::string{known->next},
            .named = true};
    i = text.find_first_of(kLetters, end);
  }
  return std::nullopt;
}

// The number behind one of `before`, which are lower case.
std::optional<int> number_behind(std::string_view lower_text, std::span<const std::string_view> before) {
  for (const std::string_view words : before) {
    const auto at = lower_text.find(words);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = lower_text.substr(at + words.size());
    int number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + std::min<std::size_t>(rest.size(), 4), number);
    if (error == std::errc{} && number >= 100) return number;
  }
  return std::nullopt;
}

// Chromium; ws; python websockets; coder/websocket; OkHttp; tungstenite; Bun; curl.
constexpr std::string_view kBeforeStatus[] = {"unexpected response code: ", "unexpected server response: ",
    "rejected websocket connection: http ", "status code 101 but got ", "expected http 101 response but was '",
    "http error: ", "expected 101 status code, received ", "wsserverhandshakeerror: ", "returned error: ", "http/1.1 "};
constexpr std::string_view kBeforeClose[] = {
    "close code ", "closed with code ", "code: ", "code=", "code ", "close ", "closed ", "received "};

// The whole text is a number: 1006, 403.
std::optional<int> bare_number(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return std::nullopt;
  const auto last = text.find_last_not_of(" \t\r\n");
  int number = 0;
  const auto [end, error] = std::from_chars(text.data() + first, text.data() + last + 1, number);
  return error == std::errc{} && end == text.data() + last + 1 ? std::optional{number} : std::nullopt;
}

std::optional<Meaning> numbered(std::span<const Numbered> rows, std::optional<int> number) {
  const auto found = number ? std::ranges::find(rows, *number, &Numbered::number) : rows.end();
  if (found == rows.end()) return std::nullopt;
  return meaning_of(found->means, found->codes, found->next);
}

} // namespace

Meaning what_it_means(std::string_view text) {
  text = text.substr(0, kLongestSaying);
  if (auto named = named_in(text)) return std::move(*named);
  const std::string all = lower(text);
  for (const auto& saying : kSayings)
    if (all.contains(lower(saying.text))) return meaning_of(saying.means, saying.codes, saying.next);
  const auto bare = bare_number(text);
  if (auto status = numbered(kStatuses, bare ? bare : number_behind(all, kBeforeStatus))) return std::move(*status);
  const auto close = bare ? bare : number_behind(all, kBeforeClose);
  if (auto closed = numbered(kCloses, close)) return std::move(*closed);
  if (close && *close > 4000 && *close < 4600) {
    if (auto own = numbered(kStatuses, *close - 4000)) { // 4403: what HTTP calls 403
      own->next = "Read the reason beside the code: Foyer puts the cause there.";
      return std::move(*own);
    }
  }
  return {};
}

json::Object meaning_to_json(const Meaning& meaning) {
  json::Array codes;
  for (const auto code : meaning.codes)
    if (const auto known = told(code))
      codes.push_back(json::Object{{"code", known->code}, {"client", known->client}, {"next", known->next}});
  json::Value means = nullptr, next = nullptr;
  if (!meaning.means.empty()) means = json::Value(meaning.means);
  if (!meaning.next.empty()) next = json::Value(meaning.next);
  return {
      {"means", std::move(means)}, {"codes", std::move(codes)}, {"next", std::move(next)}, {"named", meaning.named}};
}

std::string meaning_to_text(const Meaning& meaning) {
  if (meaning.means.empty())
    return "Nothing in this text is known here.\n\n"
           "Next: ask `foyer doctor URL --origin ORIGIN`, with the address of the WebSocket and the page's origin.\n";
  std::string out = meaning.means + "\n";
  if (meaning.named) return fmt::format("{}: {}\n\nNext: {}\n", meaning.codes.front(), meaning.means, meaning.next);
  if (!meaning.codes.empty()) {
    out += meaning.codes.size() == 1 ? "\nWhat leads to it:\n" : "\nWhat leads to it, the most frequent first:\n";
    for (const auto code : meaning.codes)
      if (const auto known = told(code))
        out += fmt::format("\n  {}\n    {}\n    Next: {}\n", known->code, known->client, known->next);
  }
  out += fmt::format(
      "\nNext: {}\n", meaning.next.empty() ? "ask `foyer doctor URL`: it tells these apart." : meaning.next);
  return out;
}

} // namespace foyer::doctor
