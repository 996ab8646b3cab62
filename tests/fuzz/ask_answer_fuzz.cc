// Answers of an application: any bytes are an answer, or one named reason why they are none.
#include "asking/answer.h"
#include "base/bytes.h"
#include "fuzz.h"

using namespace foyer;

FUZZER(ask_answer) {
  Response response;
  response.headers.add("Content-Type", "application/json");
  response.body = input;
  const auto said = asking::read_answer(response);
  if (!said) {
    invariant(!said.error().refusal.evidence.empty(), "a reason");
    return;
  }
  const auto* result = std::get_if<json::Object>(&*said);
  if (result == nullptr) {
    const Refusal refusal = asking::refusal_of(std::get<asking::No>(*said));
    invariant(refusal.cause == Cause::APP_REFUSED && is_utf8(refusal.detail), "a printable no");
    return;
  }
  const auto valid = [](const auto& answer) {
    if (!answer) invariant(answer.error().cause == Cause::APP_ANSWER_INVALID, "invalid is the only cause");
    return answer.has_value();
  };
  const WallTime now = from_unix_seconds(1'700'000'000);
  (void)valid(asking::connect_answer(*result, UserId{"ann"}, now));
  (void)valid(asking::refresh_answer(*result, now));
  (void)valid(asking::subscribe_answer(*result, now));
  for (const bool chat : {false, true})
    if (const auto answer = asking::publish_answer(*result, chat); valid(answer) && answer->data && !chat)
      invariant(json::parse(*answer->data, {.depth = 32}).has_value(), "data is JSON");
}
