#include "wire/problem.h"

#include <algorithm>

#include "base/json.h"

namespace foyer::wire {
namespace {

constexpr Millis kDefaultWait{1000}; // for `after` without a time

// A problem's status is the answer's status; a cause that normally closes a socket
// also needs one when it is sent over HTTP.
int status_of(const CauseInfo& info) {
  if (info.http != 0) return info.http;
  return info.retry == Retry::after ? 503 : 400;
}

// TOKEN_EXPIRED → "Token expired"
std::string title_of(std::string_view code) {
  std::string title{code};
  for (std::size_t i = 0; i < title.size(); ++i) {
    if (title[i] == '_')
      title[i] = ' ';
    else if (i > 0 && title[i] >= 'A' && title[i] <= 'Z')
      title[i] = static_cast<char>(title[i] - 'A' + 'a');
  }
  return title;
}

// RFC 6750 §3: no error code when no credential was sent.
std::string challenge_of(const CauseInfo& info, int status) {
  constexpr std::string_view kBearer = "Bearer realm=\"foyer\"";
  if (info.cause == Cause::API_KEY_REJECTED) return "apikey realm=\"foyer\"";
  std::string_view error;
  switch (info.step) {
    case Step::credential_form:
    case Step::credential_valid:
    case Step::revocation: error = "invalid_token"; break;
    case Step::permission: error = "insufficient_scope"; break;
    case Step::credential_present: error = status == 400 ? "invalid_request" : ""; break;
    default: break;
  }
  if (status != 401 && error.empty()) return {};
  if (status != 401 && status != 403 && status != 400) return {};
  std::string out{kBearer};
  if (!error.empty())
    out.append(", error=\"").append(error).append("\", error_description=\"").append(info.code).append("\"");
  return out;
}

} // namespace

Response problem(const Refusal& refusal, const Ref& ref, bool reveal) {
  const CauseInfo& info = refusal.info();
  const int status = status_of(info);
  std::string detail{info.client};
  // Errors in form input: the evidence is about the user's input and names the rule that it breaks.
  if (!reveal && info.step == Step::accounts && status == 422 && !refusal.evidence.empty())
    detail += " (" + refusal.evidence + ")";
  if (reveal) {
    if (!detail.empty()) detail += ' ';
    detail += refusal.operator_text();
  } else if (!refusal.detail.empty()) {
    detail += ' ' + refusal.detail;
  }

  json::Object body;
  body["type"] = std::string{"/causes/"}.append(info.code);
  body["title"] = title_of(info.code);
  body["status"] = status;
  body["detail"] = detail;
  body["code"] = info.code;
  body["step"] = to_string(info.step);
  body["ref"] = ref.view();
  body["retry"] = to_string(info.retry);
  body["next"] = refusal.next_step();
  std::optional<Millis> wait = refusal.retry_after;
  if (!wait && info.retry == Retry::after) wait = kDefaultWait;
  if (wait) body["retry_after_ms"] = wait->count();
  if (!refusal.field.empty()) body["field"] = refusal.field;

  Response response;
  response.status = status;
  response.body = json::write(body);
  response.headers.add("Content-Type", "application/problem+json");
  response.headers.add("Cache-Control", "no-store");
  if (std::string challenge = challenge_of(info, status); !challenge.empty())
    response.headers.add("WWW-Authenticate", std::move(challenge));
  if (wait) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    response.headers.add("Retry-After", std::to_string(std::max<std::int64_t>(1, seconds)));
  }
  if (status == 426) {
    response.headers.add("Upgrade", "websocket");
    response.headers.add("Sec-WebSocket-Version", "13");
  }
  return response;
}

} // namespace foyer::wire
