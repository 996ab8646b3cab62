// Facts in, one verdict out: which fault explains what was seen. Pure; the rules are asked in the order of the ladder,
// and the first that knows the facts answers, so that a cause hides what follows from it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/case.h"
#include "doctor/diagnosis.h"

namespace foyer::doctor {

struct Verdict {
  enum class Kind : std::uint8_t {
    works, // no fault was found
    fault, // `diagnosis`
    open,  // a probe itself failed, and the others show no fault
  } kind = Kind::works;
  std::optional<Diagnosis> diagnosis;
  std::vector<std::string> notes; // worth knowing, and not the fault
};

[[nodiscard]] Verdict judge(const Facts& facts);

// The parts, each for a stretch of the ladder; nothing: no fault in it.
[[nodiscard]] std::optional<Diagnosis> judge_name_and_tcp(const Facts& facts);
[[nodiscard]] std::optional<Diagnosis> judge_tls(const Facts& facts);
[[nodiscard]] std::optional<Diagnosis> judge_plain(const Facts& facts); // requests without an upgrade
[[nodiscard]] Diagnosis judge_token(
    const Facts& facts, Confidence confidence, std::vector<std::string> seen); // refused
[[nodiscard]] std::optional<Diagnosis> judge_difference(
    const Facts& facts); // accepted before, refused with one thing more
[[nodiscard]] std::optional<Diagnosis> judge_refusal(const Facts& facts); // no handshake was accepted
[[nodiscard]] std::optional<Diagnosis> judge_101(const Facts& facts);     // an answer 101 that is not right
[[nodiscard]] std::optional<Diagnosis> judge_socket(const Facts& facts);  // what went through it

} // namespace foyer::doctor
