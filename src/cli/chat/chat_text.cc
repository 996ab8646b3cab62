#include "cli/chat/chat_text.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/bytes.h"
#include "base/words.h"

namespace foyer::cli {
namespace {

constexpr std::size_t kMaxShown = 32 * 1024;

std::string text_of(const json::Object& object, std::string_view name) {
  return std::string{json::get_string(object, name).value_or("")};
}

Retry retry_of(std::string_view word, Retry otherwise) {
  for (const Retry retry : {Retry::never, Retry::refresh, Retry::after})
    if (to_string(retry) == word) return retry;
  return otherwise;
}

bool to_local(std::string_view rfc3339, std::tm& local) {
  std::tm utc{};
  if (rfc3339.size() < 20 || strptime(std::string{rfc3339.substr(0, 19)}.c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr)
    return false;
  const std::time_t seconds = timegm(&utc);
  localtime_r(&seconds, &local);
  return true;
}

} // namespace

std::optional<ReceivedRefusal> refusal_from(const json::Object& object) {
  ReceivedRefusal refusal;
  refusal.code = text_of(object, "code");
  if (refusal.code.empty()) return std::nullopt;
  refusal.message = text_of(object, object.contains("detail") ? "detail" : "message");
  refusal.step = text_of(object, "step");
  refusal.ref = text_of(object, "ref");
  const auto cause = find_cause(refusal.code);
  refusal.retry = retry_of(text_of(object, "retry"), cause ? info(*cause).retry : Retry::never);
  if (const auto wait = json::get_int(object, "retry_after_ms")) refusal.retry_after = Millis{*wait};
  return refusal;
}

std::optional<ReceivedRefusal> refusal_from_close(std::string_view reason) {
  const std::size_t space = reason.find(' ');
  const auto cause = find_cause(reason.substr(0, space));
  if (!cause) return std::nullopt;
  const CauseInfo& row = info(*cause);
  ReceivedRefusal refusal{.code = std::string{row.code},
      .message = std::string{row.client},
      .step = std::string{to_string(row.step)},
      .ref = {},
      .retry = row.retry,
      .retry_after = {}};
  if (space != std::string_view::npos) refusal.ref = std::string{reason.substr(space + 1)};
  return refusal;
}

std::string refusal_text(const ReceivedRefusal& refusal) {
  std::string out = fmt::format("{}", printable(refusal.code, 64));
  if (!refusal.step.empty()) out += fmt::format(" (step {})", printable(refusal.step, 64));
  out += '\n';
  if (!refusal.message.empty()) out += fmt::format("  {}\n", shown(refusal.message));
  if (const auto cause = find_cause(refusal.code)) out += fmt::format("  Next: {}\n", info(*cause).next);
  if (refusal.retry == Retry::after && refusal.retry_after && *refusal.retry_after >= Millis{1000})
    out += fmt::format("  Time left: {}\n", wait_text(*refusal.retry_after));
  if (is_auth_away(refusal))
    out += "  Connected users can keep chatting; logins and account changes wait until the auth service is back.\n";
  if (!refusal.ref.empty())
    out += fmt::format("  The operator can look it up with: foyer why {}\n", printable(refusal.ref, 64));
  out.pop_back();
  return out;
}

std::string shown(std::string_view text) {
  const std::string escaped = printable(text, kMaxShown);
  std::string out;
  out.reserve(escaped.size());
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    out += escaped[i];
    if (escaped[i] == '\\' && i + 1 < escaped.size() && escaped[i + 1] == '\\') ++i;
  }
  return out;
}

std::string local_time(std::string_view rfc3339) {
  std::tm local{};
  if (!to_local(rfc3339, local)) return "--:--";
  return fmt::format("{:02}:{:02}", local.tm_hour, local.tm_min);
}

std::string local_date(std::string_view rfc3339) {
  std::tm local{};
  if (!to_local(rfc3339, local)) return "----------";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
      local.tm_hour, local.tm_min);
}

std::string wait_text(Millis wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60)
                           : fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

bool is_auth_away(const ReceivedRefusal& refusal) {
  const auto cause = find_cause(refusal.code);
  return cause && (info(*cause).step == Step::auth_service || info(*cause).step == Step::service_identity);
}

std::string device_words(std::string_view agent) {
  using Row = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Row, 9> kBrowsers{
      {{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"},
          {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"Version/", "Safari"}, {"Mozilla/", "A browser"}}};
  static constexpr std::array<Row, 6> kSystems{{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"},
      {"Windows", "Windows"}, {"Mac OS", "Mac"}, {"Linux", "Linux"}}};
  const auto first = [agent](const auto& rows) -> std::string_view {
    for (const auto& [mark, word] : rows)
      if (agent.find(mark) != std::string_view::npos) return word;
    return {};
  };
  const std::string_view browser = first(kBrowsers);
  const std::string_view system = first(kSystems);
  if (browser.empty()) return agent.empty() ? "a program" : printable(agent, 40);
  return system.empty() ? std::string{browser} : fmt::format("{} on {}", browser, system);
}

std::string sessions_text(const json::Object& answer) {
  const json::Value* list = answer.if_contains("sessions");
  if (list == nullptr || !list->is_array()) return "No sessions.";
  std::string out;
  int number = 0;
  for (const json::Value& row : list->get_array()) {
    ++number;
    if (!row.is_object()) continue;
    const json::Object& session = row.get_object();
    if (!out.empty()) out += '\n';
    out += fmt::format("  {:>2}  {:<26} {:<16} since {}, last seen {}{}", number,
        device_words(text_of(session, "device")), printable(text_of(session, "address"), 45),
        local_date(text_of(session, "created")), local_date(text_of(session, "last_seen")),
        json::get_bool(session, "current").value_or(false) ? "  (this one)" : "");
  }
  return out;
}

std::string user_name(const json::Object& object, std::string_view member) {
  const json::Value* user = object.if_contains(member);
  if (user == nullptr || !user->is_object()) return "?";
  const std::string name = text_of(user->get_object(), "name");
  return printable(name.empty() ? text_of(user->get_object(), "id") : name, 64);
}

std::string message_line(std::string_view room, const json::Object& message) {
  const json::Value* data = message.if_contains("data"); // of an application
  const std::string text = json::get_bool(message, "deleted").value_or(false) ? "(deleted)"
      : data != nullptr                                                       ? "data " + shown(json::write(*data))
                                                                              : shown(text_of(message, "message"));
  return fmt::format(
      "{} {} {}: {}", local_time(text_of(message, "time")), printable(room, 128), user_name(message, "from"), text);
}

std::string user_id(const json::Object& object, std::string_view member) {
  const json::Value* user = object.if_contains(member);
  return user == nullptr || !user->is_object() ? "?" : printable(text_of(user->get_object(), "id"), 128);
}

std::string rooms_text(const json::Object& answer) {
  const json::Value* rooms = answer.if_contains("rooms");
  if (rooms == nullptr || !rooms->is_array() || rooms->get_array().empty())
    return "No rooms yet; /join NAME creates one.";
  std::string out;
  for (const json::Value& row : rooms->get_array()) {
    if (!row.is_object()) continue;
    const json::Object& room = row.get_object();
    if (!out.empty()) out += '\n';
    out += fmt::format("  {:<24} {}", printable(text_of(room, "room"), 128),
        counted(static_cast<std::uint64_t>(json::get_int(room, "offset").value_or(0)), "message"));
  }
  return out;
}

std::optional<std::string> next_page_of_rooms(const json::Object& answer) {
  const json::Value* more = answer.if_contains("more");
  const json::Value* rooms = answer.if_contains("rooms");
  if (more == nullptr || !more->is_bool() || !more->get_bool()) return std::nullopt;
  if (rooms == nullptr || !rooms->is_array() || rooms->get_array().empty()) return std::nullopt;
  const json::Value& last = rooms->get_array().back();
  return last.is_object() ? std::optional(text_of(last.get_object(), "room")) : std::nullopt;
}

std::string members_text(std::string_view room, const json::Object& answer) {
  const std::int64_t count = json::get_int(answer, "member_count").value_or(0);
  std::string out = fmt::format("* {}: {} here", printable(room, 128), count);
  const json::Value* members = answer.if_contains("members");
  if (members == nullptr || !members->is_array()) return out;
  std::string_view separator = ": ";
  for (const json::Value& member : members->get_array()) {
    if (!member.is_object()) continue;
    out += fmt::format("{}{}", separator, user_name(json::Object{{"user", member}}, "user"));
    separator = ", ";
  }
  return out;
}

std::string_view chat_help() {
  return "/join ROOM       enter a room, or switch to one you are in\n"
         "/leave           leave the room\n"
         "/rooms           list the rooms\n"
         "/who             who is here\n"
         "/history [N]     the last N messages (50)\n"
         "/create ROOM     create a private room\n"
         "/invite NAME     invite somebody to the private room (or use id:ID)\n"
         "/direct NAME     open a direct room with one person\n"
         "/invitations     list your invitations\n"
         "/accept [N]      accept the last invitation, or number N of /invitations\n"
         "/decline [N]     decline it; the sender is not notified\n"
         "/sessions        list where you are signed in\n"
         "/signout         end this session and the chat\n"
         "/signout others  end all your other sessions\n"
         "/signout all     end all sessions, including this one\n"
         "/signout N       end number N of /sessions\n"
         "/quit            leave the chat\n"
         "Anything else is sent to the room; start with // to send a line that starts with /.";
}

} // namespace foyer::cli
