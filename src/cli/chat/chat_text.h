// The texts of `foyer chat`: messages, members, and refusals with their next step.
// Every string from the server is made harmless for a terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/cause.h"
#include "base/clock.h"
#include "base/json.h"

namespace foyer::cli {

// A refusal as received: problem+json, authentication_error, error, or a close reason.
struct ReceivedRefusal {
  std::string code;
  std::string message;
  std::string step;
  std::string ref;
  Retry retry = Retry::never;
  std::optional<Millis> retry_after;
};

[[nodiscard]] std::optional<ReceivedRefusal> refusal_from(const json::Object& object); // nullopt: it has no code
[[nodiscard]] std::optional<ReceivedRefusal> refusal_from_close(
    std::string_view reason); // "CODE ref"; nullopt: not one of ours

// Several lines: code, sentence, and the next step from this program's catalogue.
[[nodiscard]] std::string refusal_text(const ReceivedRefusal& refusal);
[[nodiscard]] std::string shown(std::string_view text);         // a peer's text for a terminal, backslashes unchanged
[[nodiscard]] std::string local_time(std::string_view rfc3339); // "14:03", in local time
[[nodiscard]] std::string local_date(std::string_view rfc3339); // "2026-11-22 14:03"
[[nodiscard]] std::string message_line(std::string_view room, const json::Object& message);
[[nodiscard]] std::string user_id(const json::Object& object, std::string_view member);
[[nodiscard]] std::string user_name(const json::Object& object, std::string_view member); // of {"id","name"}
[[nodiscard]] std::string rooms_text(const json::Object& rooms);
[[nodiscard]] std::optional<std::string> next_page_of_rooms(
    const json::Object& rooms); // the last name; nullopt: no more rooms
[[nodiscard]] std::string members_text(std::string_view room, const json::Object& answer); // of joined or presence
// An answer of GET /auth/sessions, numbered in order.
[[nodiscard]] std::string sessions_text(const json::Object& answer);
// A User-Agent in words that its user recognises: "Firefox on Linux".
[[nodiscard]] std::string device_words(std::string_view agent);
[[nodiscard]] std::string wait_text(Millis wait); // "4 min 5 s", "42 s"
// The gateway is reachable and the auth service is not: explains what still works.
[[nodiscard]] bool is_auth_away(const ReceivedRefusal& refusal);
[[nodiscard]] std::string_view chat_help();

} // namespace foyer::cli
