#include "wire/api_error.h"

#include <string>

namespace foyer::wire {
namespace {

int number_of_status(int status) {
  switch (status) {
    case 401: return 101;
    case 403: return 103;
    case 404: return 104;
    case 409: return 409;
    case 429: return 111;
    default: return status >= 500 ? 100 : 107;
  }
}

} // namespace

int api_error_number(const Refusal& refusal) {
  switch (refusal.cause) {
    case Cause::NOT_FOUND:
    case Cause::NO_SUCH_PERSON: return 102;
    case Cause::ROOM_LIMIT:
    case Cause::INVITATION_LIMIT: return 106;
    case Cause::HISTORY_OFF: return 108;
    case Cause::POSITION_UNKNOWN: return 112;
    case Cause::KEY_REUSED: return 409;
    case Cause::NOT_AVAILABLE: return 107;
    default: return number_of_status(refusal.info().http == 0 ? 500 : refusal.info().http);
  }
}

json::Object api_error(const Refusal& refusal, const Ref& ref) {
  json::Object error;
  std::string message{refusal.info().client};
  if (!refusal.detail.empty()) message += ' ' + refusal.detail;
  error["code"] = api_error_number(refusal);
  error["message"] = message;
  error["cause"] = refusal.code();
  error["ref"] = ref.view();
  if (refusal.field == "needs") // of a missing right, which the evidence names
    error["needs"] = refusal.evidence;
  else if (!refusal.field.empty())
    error["field"] = refusal.field;
  return error;
}

int api_error_status(int number) {
  switch (number) {
    case 100: return 503;
    case 101: return 401;
    case 102:
    case 104: return 404;
    case 103: return 403;
    case 106:
    case 111: return 429;
    case 107: return 400;
    default: return 409;
  }
}

void add_api_error(Response& problem) {
  auto body = json::parse(problem.body);
  if (!body || !body->is_object() || body->as_object().contains("error")) return;
  json::Object& document = body->as_object();
  const auto status = json::get_int(document, "status");
  const auto code = json::get_string(document, "code");
  const auto detail = json::get_string(document, "detail");
  if (!status || !code || !detail) return;
  json::Object error;
  error["code"] = number_of_status(static_cast<int>(*status));
  error["message"] = *detail;
  error["cause"] = *code;
  error["ref"] = json::get_string(document, "ref").value_or("");
  document["error"] = std::move(error);
  problem.body = json::write(*body);
}

} // namespace foyer::wire
