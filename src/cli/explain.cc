#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/cause_page.h"
#include "base/words.h"
#include "cli/command.h"
#include "doctor/finding_page.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer explain CODE [--json]\n"
    "       foyer explain NUMBER [--json]\n"
    "       foyer explain --all [--json]\n"
    "       foyer explain --markdown\n\n"
    "Explains a code: what it means, who must act, and the next step.\n\n"
    "  CODE        such as TOKEN_EXPIRED; case does not matter, and hyphens may replace underscores\n"
    "  NUMBER      a close code or an HTTP status, such as 4401, 1006 or 401: every code that uses it\n"
    "  --all       all codes\n"
    "  --json      print JSON; with --all an array\n"
    "  --markdown  all codes as the page docs/causes.md\n";

// A near miss is explained anyway; the exit status shows that the code is unknown.
int unknown(std::string_view code, bool as_json) {
  fmt::print(stderr, "Unknown code {}.", printable(code, 64));
  const auto near = nearest_codes(code);
  if (near.size() == 1)
    fmt::print(stderr, " Did you mean {}?", near.front());
  else
    for (std::size_t i = 0; i < near.size(); ++i) fmt::print(stderr, "{} {}", i == 0 ? " Similar:" : ",", near[i]);
  fmt::print(stderr, "\n`foyer explain --all` lists all.\n");
  if (near.size() == 1 && !as_json) fmt::print("\n{}", cause_to_text(info(*find_cause(near.front()))));
  return 1;
}

// Numbers that a client sees and no cause has, or with a meaning beyond causes: RFC 6455 §7.4.1.
struct KnownNumber {
  int number;
  std::string_view text;
};
constexpr KnownNumber kNumbers[] = {
    {1000, "Normal closure by the client or the server."},
    {1001,
        "One side is going away. Foyer sends it with SERVER_SHUTDOWN; a browser when the page is left; a proxy when it "
        "restarts."},
    {1002, "One side violated the WebSocket protocol. The reason says how."},
    {1003, "A kind of message that the other side does not accept, such as binary."},
    {1005,
        "Never sent: the client's library reports it when a Close arrives without a number. Foyer always sends a "
        "number, so a proxy or the client itself closed the connection."},
    {1006,
        "Never sent: the client's library reports it when the connection ended without a Close, or the handshake "
        "failed. A refusal by Foyer reaches a browser with another number, so look for what cut the connection: a "
        "proxy that does not pass upgrades, its idle timeout, a firewall, TLS, a crash, or a page that may not "
        "connect. To learn more, open the socket's address as a web page (an answer with X-Foyer comes from Foyer), "
        "and read the server's log and `foyer why`. A page from another origin gets an HTTP error, which browsers also "
        "report as 1006: ORIGIN_NOT_ALLOWED."},
    {1007, "Text that is not valid UTF-8."},
    {1008, "A policy of the other side was violated. Foyer does not send it."},
    {1009, "A message longer than message_bytes."},
    {1011, "The other side had an internal error. Foyer does not send it; a proxy may."},
    {1012, "The other side is restarting. Foyer sends 1001 instead; a proxy may send this."},
    {1015,
        "Never sent: the client's library reports it when the TLS handshake failed. Check the certificate with `foyer "
        "check`."},
    {502,
        "Bad gateway: the proxy in front could not reach Foyer. Foyer does not send it; answers from Foyer have the "
        "header X-Foyer."},
    {504,
        "Gateway timeout: the proxy in front waited too long. Foyer does not send it; answers from Foyer have the "
        "header X-Foyer."},
};

std::optional<int> number_in(std::string_view text) {
  int out = 0;
  const auto end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc{} || at != end) return std::nullopt;
  return out;
}

// Whether this number could belong to causes: a status, or a close code.
bool is_reported_number(int number) { return (number >= 100 && number < 600) || (number >= 1'000 && number < 5'000); }

int explain_number(int number, bool as_json) {
  const auto known = std::ranges::find(kNumbers, number, &KnownNumber::number);
  std::vector<const CauseInfo*> causes;
  for (const auto& cause : all_causes())
    if (cause.http == number || cause.close == number) causes.push_back(&cause);
  if (!is_reported_number(number) || (causes.empty() && known == std::end(kNumbers))) {
    fmt::print(stderr,
        "Foyer does not use the number {}.\n"
        "`foyer explain --all --json` lists all codes with their HTTP status and close code.\n",
        number);
    return 1;
  }
  if (as_json) {
    json::Array list;
    for (const auto* cause : causes) list.emplace_back(cause_to_json(*cause));
    json::Object out{{"number", number}, {"causes", std::move(list)}};
    if (known != std::end(kNumbers)) out["meaning"] = known->text;
    fmt::print("{}\n", json::write_pretty(out));
    return 0;
  }
  if (known != std::end(kNumbers)) fmt::print("{}: {}\n{}", number, known->text, causes.empty() ? "" : "\n");
  if (causes.empty()) return 0;
  fmt::print(
      "{} is the {} of {}:\n\n", number, number < 1'000 ? "HTTP status" : "close code", counted(causes.size(), "code"));
  for (const auto* cause : causes) fmt::print("  {:<30} {}\n", cause->code, cause->client);
  fmt::print(
      "\n"
      "A close reason starts with the code, and an HTTP answer has it in the field `code`. `foyer explain CODE` "
      "explains it.\n");
  return 0;
}

int explain_finding(doctor::Finding finding, bool as_json) {
  if (as_json)
    fmt::print("{}\n", json::write_pretty(doctor::finding_to_json(info(finding))));
  else
    fmt::print("{}", doctor::finding_to_text(info(finding)));
  return 0;
}

std::string canonical(std::string_view code) {
  std::string out(code);
  for (char& c : out) c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

} // namespace

int run_explain(Args args) {
  bool all = false;
  bool as_json = false;
  bool markdown = false;
  std::vector<std::string> codes;
  for (const auto& arg : args) {
    if (arg == "--help" || arg == "-h") {
      fmt::print("{}", kUsage);
      return 0;
    }
    if (arg == "--all")
      all = true;
    else if (arg == "--json")
      as_json = true;
    else if (arg == "--markdown")
      markdown = true;
    else if (arg.starts_with("-")) {
      fmt::print(stderr, "foyer explain: unknown option {}\n\n{}", printable(arg, 64), kUsage);
      return kCouldNotRun;
    } else
      codes.push_back(arg);
  }
  if (codes.size() != (all || markdown ? 0 : 1) || (markdown && as_json)) {
    fmt::print(stderr, "{}", kUsage);
    return kCouldNotRun;
  }
  if (markdown) {
    fmt::print("{}", causes_markdown());
    return 0;
  }
  if (all) {
    json::Array array;
    for (const auto& cause : all_causes()) {
      if (as_json)
        array.emplace_back(cause_to_json(cause));
      else
        fmt::print("{:<30} {}\n", cause.code, cause.client);
    }
    if (as_json) fmt::print("{}\n", json::write_pretty(array));
    return 0;
  }
  if (const auto number = number_in(codes.front())) return explain_number(*number, as_json);
  const auto cause = find_cause(canonical(codes.front()));
  if (const auto finding = doctor::find_finding(canonical(codes.front()))) return explain_finding(*finding, as_json);
  if (!cause) return unknown(codes.front(), as_json);
  if (as_json)
    fmt::print("{}\n", json::write_pretty(cause_to_json(info(*cause))));
  else
    fmt::print("{}", cause_to_text(info(*cause)));
  return 0;
}

} // namespace foyer::cli
