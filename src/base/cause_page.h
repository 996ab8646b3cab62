// The catalogue as text for people and programs: `foyer explain`,
// /causes/CODE and docs/causes.md all use these functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/cause.h"
#include "base/json.h"

namespace foyer {

// {"code","step","http","close","retry","who","client","operator","next"}; http and close 0: never sent.
[[nodiscard]] json::Object cause_to_json(const CauseInfo& cause);
// A few lines for a terminal, ending in a line feed.
[[nodiscard]] std::string cause_to_text(const CauseInfo& cause);
// docs/causes.md, all of it.
[[nodiscard]] std::string causes_markdown();
// The question that a step answers, in one sentence.
[[nodiscard]] std::string_view question_of(Step step);
// Who must act, as part of a sentence: "the operator".
[[nodiscard]] std::string_view actor_of(Who who);
// What `retry` asks of a client, in one sentence.
[[nodiscard]] std::string_view advice_of(Retry retry);
// Up to three codes that a mistyped one may stand for, nearest first.
[[nodiscard]] std::vector<std::string_view> nearest_codes(std::string_view code);

} // namespace foyer
