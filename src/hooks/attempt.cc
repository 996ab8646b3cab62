#include "hooks/attempt.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/json.h"
#include "client/retry_after.h"
#include "client/signature.h"

namespace foyer::hooks {
namespace {

constexpr std::size_t kShown = 200; // of the receiver's words

std::string described(const Response& answer) {
  std::string out = fmt::format("the receiver answered {}", answer.status);
  if (const std::string* type = answer.headers.find("Content-Type")) out += " with " + printable(*type, 64);
  if (const std::string* location = answer.headers.find("Location"))
    out += "; it points to " + printable(*location, kShown) + ", and redirects are not followed";
  return out;
}

} // namespace

std::string body_of(const engine::HookEvent& event) {
  std::string out = R"({"type":)";
  json::append_string(out, event.type);
  out += R"(,"timestamp":")";
  append_rfc3339(out, event.at);
  out += R"(","data":)";
  out += event.data;
  out += '}';
  return out;
}

client::PoolCall request_of(const engine::HookEvent& event, std::string_view target, std::span<const std::string> keys,
    std::string_view user_agent, WallTime now) {
  std::string body = body_of(event);
  const std::int64_t timestamp = unix_seconds(now);
  Headers headers{{"Content-Type", "application/json"}, {"Accept", "*/*"}, {"User-Agent", std::string(user_agent)},
      {"webhook-id", event.id}, {"webhook-timestamp", std::to_string(timestamp)},
      {"webhook-signature", client::sign(keys, event.id, timestamp, body)}};
  return {.method = "POST",
      .target = std::string(target),
      .headers = std::move(headers),
      .body = std::move(body),
      .repeatable = true};
}

Outcome outcome_of(const client::HttpResult& answer) {
  if (!answer)
    return {.kind = Outcome::Kind::failed,
        .cause = Cause::WEBHOOK_UNREACHABLE,
        .evidence = fmt::format("{}: {}", to_string(answer.error().phase), printable(answer.error().what, kShown))};
  const int status = answer->status;
  if (status >= 200 && status < 300) return {.kind = Outcome::Kind::sent};
  if (status == 410) return {.kind = Outcome::Kind::gone, .cause = Cause::WEBHOOK_GONE, .evidence = described(*answer)};
  const bool refused = status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
  return {.kind = refused ? Outcome::Kind::refused : Outcome::Kind::failed,
      .cause = Cause::WEBHOOK_REFUSED,
      .evidence = described(*answer),
      .retry_after = client::retry_after(*answer)};
}

} // namespace foyer::hooks
