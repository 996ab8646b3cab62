#include "doctor/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "doctor/describe.h"

namespace foyer::doctor {
namespace {

std::string url_of(const Facts& facts) { return facts.url.origin() + shown_path(facts.url.path); }

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  if (what.empty()) return;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// Where it is a word of its own: a host may be as short as "a".
void replace_words(std::string& text, std::string_view what, std::string_view with) {
  const auto joins = [](char c) { return (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '-'; };
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    const auto end = at + what.size();
    const bool whole = (at == 0 || !joins(text[at - 1])) && (end == text.size() || !joins(text[end]));
    if (whole) text.replace(at, what.size(), with);
    at += whole ? with.size() : what.size();
  }
}

std::string without_token(std::string text, const Secrets& secrets) {
  constexpr std::size_t kShortest = 8; // a shorter text is no token, and may be a part of any word
  if (secrets.token.size() >= kShortest) replace_all(text, secrets.token, "[token]");
  return text;
}

std::string_view mark_of(Rung::Status status) {
  switch (status) {
    case Rung::Status::passed: return "ok";
    case Rung::Status::failed: return "FAILED";
    case Rung::Status::skipped: return "skipped";
    case Rung::Status::unasked: return "-";
    case Rung::Status::broken: return "unknown";
  }
  return "";
}

std::string evidence_of(const Rung& rung) {
  if (rung.because) return fmt::format("because {}", name_of(*rung.because));
  if (rung.status == Rung::Status::broken) return "this probe itself failed: " + rung.evidence;
  return rung.evidence;
}

std::string ladder_text(const Facts& facts) {
  std::string out;
  for (const auto& rung : facts.rungs)
    out += fmt::format("  {:<12} {:<8} {:>8}  {}\n", name_of(rung.id), mark_of(rung.status),
        rung.status == Rung::Status::skipped ? "" : duration(rung.took), evidence_of(rung));
  return out;
}

std::string indented(std::string_view text, std::string_view by) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out += fmt::format("{}{}\n", by, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string headline(const Facts& facts, const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::works: return fmt::format("{}: WebSockets work.", url_of(facts));
    case Verdict::Kind::open:
      return fmt::format("{}: no verdict, because not everything could be examined.", url_of(facts));
    case Verdict::Kind::fault: break;
  }
  return fmt::format("{}: {} ({}).", url_of(facts), verdict.diagnosis->code, name_of(verdict.diagnosis->confidence));
}

std::string recipe_line(const Diagnosis& found) {
  return fmt::format("{}, {} ({}) needs:", found.recipe_title, name_of(found.product->product), found.product->by);
}

std::string diagnosis_text(const Diagnosis& found) {
  std::string out = fmt::format("{}\n\n  {}\n\n  Seen:\n", found.client, found.operator_text);
  for (const auto& each : found.evidence) out += fmt::format("    {}\n", each);
  out += fmt::format("\n  Next: {}\n", found.next);
  if (!found.recipe.empty()) out += fmt::format("\n  {}\n\n{}", recipe_line(found), indented(found.recipe, "      "));
  return out;
}

json::Value diagnosis_json(const Verdict& verdict) {
  if (!verdict.diagnosis) return nullptr;
  const Diagnosis& found = *verdict.diagnosis;
  json::Object out{{"code", found.code}, {"confidence", name_of(found.confidence)}, {"client", found.client},
      {"operator", found.operator_text}, {"evidence", json::Array(found.evidence.begin(), found.evidence.end())},
      {"next", found.next}, {"product", nullptr}, {"recipe", nullptr}};
  if (found.product)
    out["product"] = json::Object{{"name", name_of(found.product->product)}, {"by", found.product->by}};
  if (!found.recipe.empty()) out["recipe"] = found.recipe;
  return out;
}

// Every text of a peer in a JSON value, with the token taken out.
void clean(json::Value& value, const Secrets& secrets) {
  if (value.is_string()) {
    value = without_token(std::string{value.get_string()}, secrets);
  } else if (value.is_array()) {
    for (auto& each : value.get_array()) clean(each, secrets);
  } else if (value.is_object()) {
    for (auto& each : value.get_object()) clean(each.value(), secrets);
  }
}

} // namespace

std::string report_text(const Facts& facts, const Verdict& verdict, const Secrets& secrets) {
  std::string out = headline(facts, verdict) + "\n";
  if (verdict.diagnosis) out += diagnosis_text(*verdict.diagnosis);
  out += "\n" + ladder_text(facts);
  for (const auto& note : verdict.notes) out += fmt::format("\n  Note: {}\n", note);
  if (verdict.diagnosis) out += fmt::format("\n`foyer explain {}` tells more.\n", verdict.diagnosis->code);
  return without_token(std::move(out), secrets);
}

json::Object report_json(const Facts& facts, const Verdict& verdict, const Secrets& secrets) {
  json::Array rungs;
  for (const auto& each : facts.rungs) {
    json::Object rung{{"rung", name_of(each.id)}, {"status", name_of(each.status)},
        {"ms", static_cast<double>(each.took.count()) / 1e3}, {"evidence", each.evidence}};
    if (each.because) rung["because"] = name_of(*each.because);
    rungs.emplace_back(std::move(rung));
  }
  constexpr std::string_view kKinds[] = {"works", "fault", "open"};
  json::Value out = json::Object{{"url", url_of(facts)}, {"verdict", kKinds[static_cast<std::size_t>(verdict.kind)]},
      {"diagnosis", diagnosis_json(verdict)}, {"notes", json::Array(verdict.notes.begin(), verdict.notes.end())},
      {"rungs", std::move(rungs)}, {"clock_difference_ms", nullptr}};
  if (const auto difference = facts.clock_difference()) out.get_object()["clock_difference_ms"] = difference->count();
  clean(out, secrets);
  return std::move(out.get_object());
}

std::string report_markdown(const Facts& facts, const Verdict& verdict, const Secrets& secrets) {
  std::string out = fmt::format("### {}\n\n", headline(facts, verdict));
  if (verdict.diagnosis) {
    const Diagnosis& found = *verdict.diagnosis;
    out += fmt::format("{}\n\n{}\n\n", found.client, found.operator_text);
    for (const auto& each : found.evidence) out += fmt::format("- {}\n", each);
    out += fmt::format("\n**Next:** {}\n\n", found.next);
    if (!found.recipe.empty()) out += fmt::format("{}\n\n```\n{}```\n\n", recipe_line(found), found.recipe);
  }
  out += "```\n" + ladder_text(facts) + "```\n";
  for (const auto& note : verdict.notes) out += fmt::format("\n- {}\n", note);
  out = without_token(std::move(out), secrets);
  // Longest first, so that no address is left over as a part of another.
  std::vector<std::string> hidden = facts.name.addresses;
  std::ranges::sort(hidden, std::ranges::greater{}, &std::string::size);
  replace_words(out, facts.url.host, "HOST");
  for (const auto& address : hidden) replace_words(out, address, "ADDRESS");
  return out;
}

} // namespace foyer::doctor
