// Conversions of text between Foyer's queries and PostgreSQL, as pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/cause.h"

namespace foyer::store {

// `?` and `?2` become `$1`, `$2`; quoted text and comments are unchanged.
[[nodiscard]] std::string with_dollars(std::string_view sql);

// PostgreSQL stores no zero byte in a text. It becomes U+10FFFF and the digit 0, and
// U+10FFFF itself, a noncharacter, becomes U+10FFFF and the digit 1.
[[nodiscard]] bool needs_escape(std::string_view text);
[[nodiscard]] std::string escape(std::string_view text);
[[nodiscard]] bool needs_unescape(std::string_view text);
[[nodiscard]] std::string unescape(std::string_view text);

// By SQLSTATE (PostgreSQL's manual, appendix A); "" is a broken connection.
[[nodiscard]] Cause cause_of_sqlstate(std::string_view state);
// The whole transaction may be repeated: serialization_failure, deadlock_detected.
[[nodiscard]] bool is_lost_race(std::string_view state);
// Class 22, data exception: the server's sentence quotes the value.
[[nodiscard]] bool quotes_a_value(std::string_view state);

} // namespace foyer::store
