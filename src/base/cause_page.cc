#include "base/cause_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace foyer {
namespace {

std::string status_of(const CauseInfo& cause) {
  const std::string http = cause.http == 0 ? "–" : fmt::format("{}", cause.http);
  const std::string close = cause.close == 0 ? "–" : fmt::format("{}", cause.close);
  return fmt::format(
      "HTTP {} · close {} · retry {} · {} acts", http, close, to_string(cause.retry), actor_of(cause.who));
}

// Text of the catalogue inside Markdown: what looks like a tag is not one.
std::string in_markdown(std::string_view text) {
  std::string out;
  bool code = false;
  for (const char c : text) {
    if (c == '`') code = !code;
    if (!code && c == '<')
      out += "&lt;";
    else
      out += c;
  }
  return out;
}

} // namespace

std::string_view question_of(Step step) {
  switch (step) {
    case Step::configuration: return "Is this process fit to serve? Decided before it listens.";
    case Step::readiness:
      return "Has this process started, is it not draining, not full, and is this address not flooding it?";
    case Step::transport: return "Are path, host, method, upgrade headers, version and origin right?";
    case Step::subprotocol: return "Does the client offer a protocol that is spoken here?";
    case Step::credential_present: return "Is there exactly one credential?";
    case Step::credential_form: return "Is the credential well formed?";
    case Step::auth_service: return "Does the auth service answer in time? Asked only where the credential needs it.";
    case Step::service_identity: return "Does the auth service accept this gateway?";
    case Step::credential_valid:
      return "Are algorithm, key, signature, times, issuer, audience, environment and type right?";
    case Step::revocation: return "Has the token, session or ticket been ended?";
    case Step::user: return "Does the user exist, and is the account active?";
    case Step::permission: return "May this user use this endpoint?";
    case Step::capacity: return "Do the limits of this user and this address leave room?";
    case Step::session: return "After admission: why a connection ended.";
    case Step::chat: return "After admission: why a command was refused. The connection stays open.";
    case Step::http: return "Requests that are not about the socket.";
    case Step::accounts: return "Users, passwords, sessions.";
    case Step::store: return "Databases.";
  }
  return "";
}

std::string_view actor_of(Who who) {
  switch (who) {
    case Who::operator_: return "the operator";
    case Who::user: return "the user";
    case Who::client: return "the client's developer";
    case Who::nobody: return "nobody";
  }
  return "";
}

std::string_view advice_of(Retry retry) {
  switch (retry) {
    case Retry::never: return "Trying again changes nothing; a person must act first.";
    case Retry::refresh: return "Get a new credential, then try once more.";
    case Retry::after: return "Wait for the given time with some jitter, then try again.";
  }
  return "";
}

json::Object cause_to_json(const CauseInfo& cause) {
  json::Object out;
  out["code"] = cause.code;
  out["step"] = to_string(cause.step);
  out["http"] = cause.http;
  out["close"] = cause.close;
  out["retry"] = to_string(cause.retry);
  out["who"] = to_string(cause.who);
  out["client"] = cause.client;
  out["operator"] = cause.operator_text;
  out["next"] = cause.next;
  return out;
}

std::string cause_to_text(const CauseInfo& cause) {
  return fmt::format("{}\n  {}\n\n  step      {}: {}\n  told as   {}\n  retry     {}\n\n  {}\n\n  Next: {}\n",
      cause.code, cause.client, to_string(cause.step), question_of(cause.step), status_of(cause),
      advice_of(cause.retry), cause.operator_text, cause.next);
}

std::string causes_markdown() {
  std::string out =
      "# Causes\n\n"
      "Everything that Foyer refuses has one of these codes. It is the same in the answer to a client, in the log, in "
      "the metrics and in\n"
      "`foyer explain CODE`. A connection is examined in the order of the sections; the first step that fails gives "
      "the cause.\n\n"
      "- `retry never`: a person must act first. `retry refresh`: get a new credential, then try once. `retry after`: "
      "wait, with jitter.\n"
      "- The first paragraph of an entry is what anyone may be told, the second is for the one who runs the server.\n\n"
      "Written by `tools/generate-docs` from `src/base/catalogue.def`; edit there.\n";
  for (std::size_t step = 0; step < kStepCount; ++step) {
    out += fmt::format("\n## {}\n\n{}\n", to_string(static_cast<Step>(step)), question_of(static_cast<Step>(step)));
    for (const auto& cause : all_causes()) {
      if (cause.step != static_cast<Step>(step)) continue;
      out += fmt::format("\n### {}\n\n{}\n\n{}\n\n**Next:** {}\n", cause.code, in_markdown(cause.client),
          in_markdown(cause.operator_text), in_markdown(cause.next));
      if (cause.step != Step::configuration) out += fmt::format("\n{}\n", status_of(cause));
    }
  }
  return out;
}

namespace {

std::vector<std::string_view> words_of(std::string_view code) {
  std::vector<std::string_view> out;
  while (!code.empty()) {
    const auto end = std::min(code.find('_'), code.size());
    if (end > 0) out.push_back(code.substr(0, end));
    code.remove_prefix(std::min(end + 1, code.size()));
  }
  return out;
}

// EXPIRED_TOKEN and LISTEN_IN_USE have the words of a code, in another order or not all
// of them: 1. One word that is none of them: 2.
std::optional<std::size_t> words_apart(std::string_view written, std::string_view code) {
  const auto wanted = words_of(written);
  const auto there = words_of(code);
  if (wanted.size() < 2 || wanted.size() > 8) return std::nullopt;
  std::size_t strange = 0;
  for (const auto word : wanted)
    if (std::ranges::find(there, word) == there.end()) ++strange;
  if (strange == 0) return 1;
  if (strange == 1 && wanted.size() > 2) return 2;
  return std::nullopt;
}

} // namespace

std::vector<std::string_view> nearest_codes(std::string_view code) {
  std::string upper(code);
  for (char& c : upper) c = c == '-' || c == ' ' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  upper.resize(std::min<std::size_t>(upper.size(), 64));
  std::vector<std::pair<std::size_t, std::string_view>> scored;
  for (const auto& cause : all_causes()) {
    std::size_t distance = edit_distance(upper, cause.code);
    if (const auto far = words_apart(upper, cause.code)) distance = std::min(distance, *far);
    // A part of a code (EXPIRED, ORIGIN) means the codes that hold it.
    if (upper.size() >= 3 && cause.code.find(upper) != std::string_view::npos)
      distance = std::min<std::size_t>(distance, 1);
    if (distance <= std::max<std::size_t>(2, upper.size() / 3)) scored.emplace_back(distance, cause.code);
  }
  std::ranges::stable_sort(scored, {}, &std::pair<std::size_t, std::string_view>::first);
  std::vector<std::string_view> out;
  for (const auto& [distance, name] : scored)
    if (out.size() < 3) out.push_back(name);
  return out;
}

} // namespace foyer
