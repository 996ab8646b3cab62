// `foyer doctor URL`: why WebSockets do not open there.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/command_line.h"
#include "doctor/finding_page.h"
#include "doctor/judge.h"
#include "doctor/ladder.h"
#include "doctor/report.h"
#include "doctor/sayings.h"
#include "wire/http_lines.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer doctor URL [OPTIONS]\n"
    "       foyer doctor --browser-says TEXT [--json]\n\n"
    "Finds out why WebSockets do not open at an address, of Foyer or of any other server: looks the name up, "
    "connects,\n"
    "makes the TLS handshake, sends a plain request, and then the WebSocket's handshake with one thing more at each "
    "step,\n"
    "and names the one fault that explains what came back. Takes less than 10 seconds, unless it holds a "
    "connection.\n\n"
    "  URL               ws:// or wss://, with the path of the WebSocket; http and https mean the same\n"
    "  --origin ORIGIN   the page that should connect, such as https://app.example; without it the URL's own\n"
    "  --token TOKEN     send this as `Authorization: Bearer`; - reads it from standard input. It is in no report\n"
    "  --subprotocol P   offer this subprotocol; may be repeated\n"
    "  --ca FILE         trust the certificates in this file, too\n"
    "  --direct HOST:PORT  compare with the server's own address, behind every proxy, as the proxy reaches it\n"
    "  --repeat N        try N handshakes more, to find one bad server among several (at most 100)\n"
    "  --hold DURATION   keep a connection quiet for so long, such as 70s, to find the time-outs of proxies\n"
    "  --json            print the result as JSON\n"
    "  --markdown        print it to be pasted somewhere: without the host's name and addresses\n"
    "  --reference       print the page docs/findings.md\n"
    "  --browser-says TEXT   what leads to this line of a browser's console or of a client library, or to a close "
    "code;\n"
    "                    - reads it from standard input. Nothing is asked of any server\n\n"
    "Exit status: 0 WebSockets work, 1 a fault was found, 2 nothing can be said.\n";

constexpr std::array<std::string_view, 11> kOptions = {"--origin", "--token", "--subprotocol", "--ca", "--direct",
    "--repeat", "--hold", "--json", "--markdown", "--reference", "--browser-says"};

constexpr int kMostRepeats = 100;
constexpr Millis kLongestHold{3'600'000};
constexpr std::size_t kMostTokenBytes = 64 * 1024;

struct Arguments : HelpArgument {
  doctor::Ask ask;
  bool json = false;
  bool markdown = false;
  bool reference = false;
  std::optional<std::string> browser_says = {};
};

// "70s", "500ms", "5m"; nothing: it is none of these.
std::optional<Millis> read_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc{} || number <= 0 || number > kLongestHold.count()) return std::nullopt;
  if (unit == "ms") return Millis{number};
  if (unit == "s") return std::chrono::seconds{number};
  if (unit == "m") return std::chrono::minutes{number};
  return std::nullopt;
}

// A value that goes into a header as it is.
bool fits_header(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::expected<std::string, std::string> read_token(std::string value) {
  if (value == "-") {
    value.clear();
    for (int c = std::getchar(); c != EOF && c != '\n' && value.size() <= kMostTokenBytes; c = std::getchar())
      value += static_cast<char>(c);
    if (value.ends_with('\r')) value.pop_back();
  }
  if (value.empty() || !fits_header(value) || value.size() > kMostTokenBytes)
    return std::unexpected("the token is empty, too long, or has a blank or another character that no header can hold");
  return value;
}

std::string read_all(std::size_t most) {
  std::string out;
  for (int c = std::getchar(); c != EOF && out.size() < most; c = std::getchar()) out += static_cast<char>(c);
  return out;
}

std::expected<bool, std::string> take_option(Arguments& out, Args args, std::size_t& i) {
  const std::string& arg = args[i];
  if (arg == "--json") return out.json = true;
  if (arg == "--markdown") return out.markdown = true;
  if (arg == "--reference") return out.reference = true;
  if (auto says = value_of("--browser-says", args, i)) {
    out.browser_says = *says == "-" ? read_all(doctor::kLongestSaying) : std::move(*says);
    return true;
  }
  if (const auto value = value_of("--origin", args, i)) {
    if (!fits_header(*value)) return std::unexpected("--origin is not an origin, such as https://app.example");
    out.ask.origin = *value;
  } else if (auto token = value_of("--token", args, i)) {
    auto read = read_token(std::move(*token));
    if (!read) return std::unexpected(std::move(read.error()));
    out.ask.token = std::move(*read);
  } else if (const auto name = value_of("--subprotocol", args, i)) {
    if (!wire::is_token(*name))
      return std::unexpected(
          "SUBPROTOCOL_ILLEGAL: " + std::string{info(doctor::Finding::SUBPROTOCOL_ILLEGAL).operator_text} + " " +
          std::string{info(doctor::Finding::SUBPROTOCOL_ILLEGAL).next});
    out.ask.subprotocols.push_back(*name);
  } else if (const auto file = value_of("--ca", args, i)) {
    out.ask.ca_file = *file;
  } else if (const auto place = value_of("--direct", args, i)) {
    auto url = wire::parse_url("ws://" + *place);
    if (!url || !url->port_given || !url->path.empty())
      return std::unexpected("--direct is HOST:PORT, such as 127.0.0.1:8000");
    out.ask.direct = std::move(*url);
  } else if (const auto count = value_of("--repeat", args, i)) {
    const auto [end, error] = std::from_chars(count->data(), count->data() + count->size(), out.ask.repeat);
    if (error != std::errc{} || end != count->data() + count->size() || out.ask.repeat < 1 ||
        out.ask.repeat > kMostRepeats)
      return std::unexpected(fmt::format("--repeat is a number from 1 to {}", kMostRepeats));
  } else if (const auto time = value_of("--hold", args, i)) {
    out.ask.hold = read_duration(*time);
    if (!out.ask.hold) return std::unexpected("--hold is a duration of at most an hour, such as 70s");
  } else {
    return false;
  }
  return true;
}

std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  const auto words = words_of(
      args, out, kOptions, false, [&](const std::string&, std::size_t& i) { return take_option(out, args, i); });
  if (!words) return std::unexpected(words.error());
  if (out.help || out.reference) return out;
  if (out.browser_says) {
    if (!words->empty() || out.markdown) return std::unexpected("--browser-says stands alone, or with --json");
    return out;
  }
  if (words->size() != 1) return std::unexpected(words->empty() ? "the URL is missing" : "more than one URL");
  if (out.json && out.markdown) return std::unexpected("--json or --markdown, not both");
  auto url = wire::parse_url(words->front());
  if (!url) return std::unexpected(fmt::format("{}: {}", url.error().code(), url.error().operator_text()));
  if (url->scheme == "http") url->scheme = "ws";
  if (url->scheme == "https") url->scheme = "wss";
  if (url->path.empty()) url->path = "/";
  out.ask.url = std::move(*url);
  return out;
}

int status_of(doctor::Verdict::Kind kind) {
  switch (kind) {
    case doctor::Verdict::Kind::works: return 0;
    case doctor::Verdict::Kind::fault: return 1;
    case doctor::Verdict::Kind::open: break;
  }
  return kCouldNotRun;
}

} // namespace

int run_doctor(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("doctor", arguments, kUsage)) return *status;
  if (arguments->reference) {
    fmt::print("{}", doctor::findings_markdown());
    return 0;
  }
  if (arguments->browser_says) {
    const auto meaning = doctor::what_it_means(*arguments->browser_says);
    if (arguments->json)
      fmt::print("{}\n", json::write_pretty(doctor::meaning_to_json(meaning)));
    else
      fmt::print("{}", doctor::meaning_to_text(meaning));
    return meaning.means.empty() ? kCouldNotRun : 1;
  }
  const doctor::Facts facts = doctor::Ladder(arguments->ask, system_entropy(), system_clock()).climb();
  const doctor::Verdict verdict = doctor::judge(facts);
  const doctor::Secrets secrets{arguments->ask.token};
  if (arguments->json)
    fmt::print("{}\n", json::write_pretty(doctor::report_json(facts, verdict, secrets)));
  else if (arguments->markdown)
    fmt::print("{}", doctor::report_markdown(facts, verdict, secrets));
  else
    fmt::print("{}", doctor::report_text(facts, verdict, secrets));
  return status_of(verdict.kind);
}

} // namespace foyer::cli
