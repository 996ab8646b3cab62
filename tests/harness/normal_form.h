// Replaces everything random or dependent on the clock: identifiers, tokens and times become
// `<id-1>`, `<token-1>`, `<time-1>`, numbered by first appearance. Equal values get the same number
// everywhere in the text.
//
// Random values are recognised by their shape and not by asking the source of entropy, so that
// drawing them in another order or in other sizes makes no difference. Signed tokens are decoded,
// and their claims are listed at the end.
#pragma once

#include <string>
#include <string_view>

namespace foyer::harness {

[[nodiscard]] std::string normal_form(std::string_view text);

} // namespace foyer::harness
