#include "doctor/diagnosis.h"

#include <fmt/format.h>

#include <array>

#include "base/bytes.h"
#include "base/json.h"
#include "doctor/describe.h"
#include "doctor/recipe.h"

namespace foyer::doctor {
namespace {

// The refused handshake shows the hop that refused; the other answers only who is on the way.
std::optional<Recognised> product_in(const Facts& facts) {
  if (const Exchange* last = facts.last(); last != nullptr)
    if (auto found = recognise(*last)) return found;
  for (const auto* each : {&facts.bare, &facts.plain, &facts.health, &facts.plain_on_tls})
    if (each->has_value())
      if (auto found = recognise(**each)) return found;
  return std::nullopt;
}

void add_recipe(Diagnosis& out, const Facts& facts, Topic topic) {
  out.product = product_in(facts);
  if (!out.product || topic == Topic::none) return;
  const auto recipe = find_recipe(topic, out.product->product);
  if (!recipe) return;
  out.recipe = std::string{recipe->text};
  out.recipe_title = std::string{title_of(topic)};
}

Diagnosis of_cause(Cause cause, Confidence confidence) {
  const CauseInfo& known = foyer::info(cause);
  return {.code = std::string{known.code},
      .confidence = confidence,
      .client = std::string{known.client},
      .operator_text = std::string{known.operator_text},
      .evidence = {},
      .next = std::string{known.next}};
}

// Foyer's own words about the refusal, and where its operator finds more.
void quote(Diagnosis& out, const json::Object& said, std::string_view sentence) {
  if (const auto text = json::get_string(said, sentence))
    out.evidence.push_back("Foyer says: " + printable(*text, 512));
  if (const auto ref = json::get_string(said, "ref"))
    out.evidence.push_back(fmt::format("`foyer why {}` at the server tells more", printable(*ref, 64)));
}

} // namespace

std::string_view name_of(Confidence confidence) {
  switch (confidence) {
    case Confidence::proved: return "proved";
    case Confidence::likely: return "likely";
    case Confidence::possible: return "possible";
  }
  return "";
}

Diagnosis diagnosis(const Facts& facts, Finding finding, Confidence confidence, std::vector<std::string> evidence) {
  const FindingInfo& known = info(finding);
  Diagnosis out{.code = std::string{known.code},
      .confidence = confidence,
      .client = std::string{known.client},
      .operator_text = std::string{known.operator_text},
      .evidence = std::move(evidence),
      .next = std::string{known.next}};
  add_recipe(out, facts, known.topic);
  return out;
}

std::optional<Diagnosis> named_by_foyer(const Facts& facts, const Exchange& exchange) {
  if (!exchange.is_http || exchange.status < 400) return std::nullopt;
  const auto body = json::parse(exchange.body);
  if (!body || !body->is_object()) return std::nullopt;
  const json::Object& problem = body->get_object();
  const auto code = json::get_string(problem, "code");
  // What answers before HTTP, such as the TLS port to plain bytes, has no X-Foyer.
  if (!code || (!exchange.from_foyer() && json::get_string(problem, "type") != "/causes/" + std::string{*code}))
    return std::nullopt;
  Diagnosis out;
  if (const auto cause = find_cause(*code)) {
    out = of_cause(*cause, Confidence::proved);
  } else {
    out.code = printable(*code, 64);
    out.client = printable(json::get_string(problem, "detail").value_or(""), 512);
  }
  if (const auto next = json::get_string(problem, "next")) out.next = printable(*next, 1024);
  out.evidence = {fmt::format("{}: {}", exchange.asked, describe(exchange))};
  quote(out, problem, "detail");
  add_recipe(out, facts, *code == "UPGRADE_STRIPPED" ? Topic::upgrade : Topic::none);
  return out;
}

std::optional<Diagnosis> named_in_close(const Talk& talk) {
  if (!talk.close || !talk.close_before_ours) return std::nullopt;
  const auto cause = find_cause(std::string_view(talk.close_reason).substr(0, talk.close_reason.find(' ')));
  if (!cause) return std::nullopt;
  Diagnosis out = of_cause(*cause, Confidence::proved);
  out.evidence = {describe(talk)};
  for (const auto& text : talk.messages) { // authentication_error comes before the Close
    const auto message = json::parse(text);
    if (message && message->is_object() && json::get_string(message->get_object(), "code") == out.code)
      quote(out, message->get_object(), "message");
  }
  return out;
}

} // namespace foyer::doctor
