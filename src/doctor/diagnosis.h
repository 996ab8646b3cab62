// What is wrong, as one value: a finding of the doctor, or a cause that Foyer itself named in its answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cause.h"
#include "doctor/case.h"
#include "doctor/finding.h"
#include "doctor/product.h"

namespace foyer::doctor {

enum class Confidence : std::uint8_t {
  proved,   // nothing else explains the evidence: the server said so, or one changed thing changed the outcome
  likely,   // the usual explanation of the evidence
  possible, // one of several; the next command tells them apart
};
[[nodiscard]] std::string_view name_of(Confidence confidence);

struct Diagnosis {
  std::string code = {};
  Confidence confidence{};
  std::string client = {};        // one sentence for a user
  std::string operator_text = {}; // what happens
  std::vector<std::string> evidence = {};
  std::string next = {};
  std::string recipe = {}; // lines to paste for the product that was recognised
  std::string recipe_title = {};
  std::optional<Recognised> product = {};
};

// With the product and its recipe by the answer in which the fault shows, or by another answer of the same host.
[[nodiscard]] Diagnosis diagnosis(
    const Facts& facts, Finding finding, Confidence confidence, std::vector<std::string> evidence);
// The cause in a problem of Foyer, also one that only a newer server knows; nothing: the answer is not one.
[[nodiscard]] std::optional<Diagnosis> named_by_foyer(const Facts& facts, const Exchange& exchange);
// The cause in the reason of a Close of Foyer: "TOKEN_EXPIRED ref".
[[nodiscard]] std::optional<Diagnosis> named_in_close(const Talk& talk);

} // namespace foyer::doctor
