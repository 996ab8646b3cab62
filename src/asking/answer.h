// Reading what came back from an application: its answer, or exactly one named reason why there is none. A page of a
// proxy, a redirect, an answer with a wrong type: each is said as what it is, never taken for a yes or a no.
//
//   {"result":{…}}                          yes; the members of the result may change what happens
//   {"error":{"code":4001,"message":"…"}}   no
//   {"disconnect":{"code":…,"reason":"…"}}  no, and the connection ends
//
// As in the answers to Centrifugo's proxies, null, "", 0, false, [] and {} are as good as absent. What is neither
// absent nor known is refused by name, so that no member is without effect.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <variant>

#include "asking/asking.h"
#include "base/json.h"
#include "base/refusal.h"
#include "client/http_client.h"

namespace foyer::asking {

struct No {
  std::uint32_t code = 0;
  std::string text = {}; // printable, at most kTextBytes
  bool disconnect = false;
};
// APP_REFUSED.
[[nodiscard]] Refusal refusal_of(const No& no);

// Why there is no answer: APP_TIMEOUT, APP_UNAVAILABLE, APP_ANSWER_INVALID.
struct Fault {
  Refusal refusal = {};
  bool transient = false;           // another attempt may help
  bool unhandled = false;           // the application did certainly not act on the question
  bool counts = false;              // it was not the application that answered: against the breaker
  std::optional<Millis> pause = {}; // it wants to be left alone for so long
};

using Verdict = std::variant<json::Object, No>; // the `result`, or no
[[nodiscard]] std::expected<Verdict, Fault> read_answer(const client::HttpResult& answer);

// The result of each event. APP_ANSWER_INVALID names the member.
[[nodiscard]] Result<ConnectAnswer> connect_answer(const json::Object& result, const UserId& user, WallTime now);
[[nodiscard]] Result<RefreshAnswer> refresh_answer(const json::Object& result, WallTime now);
[[nodiscard]] Result<SubscribeAnswer> subscribe_answer(const json::Object& result, WallTime now);
// `chat`: `data` has to be {"message":"…"}, whose text becomes the answer's data.
[[nodiscard]] Result<PublishAnswer> publish_answer(const json::Object& result, bool chat);

} // namespace foyer::asking
