// Parts of foyer.v1 messages. Each function appends to `out`. For the files of this folder only.
#pragma once

#include <fmt/compile.h>
#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "protocol/session_message.h"
#include "rooms/model/event.h"

namespace foyer::protocol::parts {

struct UserRef {
  std::string_view id;
  std::string_view name;
};
inline UserRef ref(const rooms::Member& member) { return {member.id.view(), member.name}; }
inline UserRef ref(const rooms::Author& author) { return {author.id.view(), author.name}; }

inline void append(std::string& out, std::string_view text) { out.append(text); }

inline void number(std::string& out, std::uint64_t n) {
  const fmt::format_int digits(n);
  out.append(digits.data(), digits.size());
}

inline void boolean(std::string& out, bool b) { append(out, b ? "true" : "false"); }

inline void open(std::string& out, std::string_view type, MessageId id = std::nullopt) {
  append(out, R"({"type":")");
  append(out, type);
  out.push_back('"');
  if (id) append(out, R"(,"id":)"), number(out, *id);
}

inline void string_member(std::string& out, std::string_view name, std::string_view value) {
  out.push_back(',');
  out.push_back('"');
  append(out, name);
  append(out, "\":");
  json::append_string(out, value);
}

inline void time_member(std::string& out, std::string_view name, WallTime time) {
  append(out, ",\"");
  append(out, name);
  append(out, "\":\"");
  append_rfc3339(out, time);
  out.push_back('"');
}

inline void number_member(std::string& out, std::string_view name, std::uint64_t value) {
  append(out, ",\"");
  append(out, name);
  append(out, "\":");
  number(out, value);
}

inline void bool_member(std::string& out, std::string_view name, bool value) {
  append(out, ",\"");
  append(out, name);
  append(out, "\":");
  boolean(out, value);
}

inline void user_object(std::string& out, UserRef user) {
  append(out, R"({"id":)");
  json::append_string(out, user.id);
  append(out, R"(,"name":)");
  json::append_string(out, user.name);
  out.push_back('}');
}

inline void invitation_members(std::string& out, const rooms::Invitation& i) {
  append(out, R"("from":)");
  user_object(out, ref(i.from));
  string_member(out, "room", i.room.view());
  time_member(out, "expires_at", i.expires);
  out.push_back('}');
}

// How the body of a message is written.
enum class BodyForm : std::uint8_t {
  text,  // for clients without the feature `data`, whose messages become empty texts
  any,   // text or data, unchanged
  brief, // without the body, which exceeds the client's max_message; GET /rooms/ROOM/messages/OFFSET returns it
};
[[nodiscard]] inline BodyForm body_form(const ClientTerms& terms) {
  return terms.features.has(Feature::data) ? BodyForm::any : BodyForm::text;
}

inline void message_members(std::string& out, const rooms::Message& m, BodyForm form) {
  number_member(out, "offset", m.offset);
  append(out, R"(,"from":)");
  user_object(out, ref(m.from));
  const bool is_data = m.type == rooms::BodyType::data;
  if (is_data && form == BodyForm::any)
    append(out, R"(,"data":)"), append(out, m.text);
  else
    string_member(out, "message", is_data || form == BodyForm::brief ? std::string_view{} : std::string_view{m.text});
  if (form == BodyForm::brief) append(out, R"(,"too_large":true)");
  time_member(out, "time", m.time);
  if (!m.key.empty()) string_member(out, "key", m.key);
  if (m.deleted) append(out, R"(,"deleted":true)");
}

// A message in a list: like the event `message`, without `type`.
inline void listed_message(
    std::string& out, const RoomName& room, const Epoch& epoch, const rooms::Message& m, BodyForm form) {
  append(out, R"({"room":)");
  json::append_string(out, room.view());
  string_member(out, "epoch", epoch.view());
  message_members(out, m, form);
  out.push_back('}');
}

inline std::string_view type_of(const rooms::Change& change) {
  return change.of_author() ? "author_detached" : "deleted";
}

inline void change_members(std::string& out, const rooms::Change& change, bool numbered) {
  if (change.of_author()) {
    append(out, R"(,"user":)");
    user_object(out, {change.user.view(), rooms::kDetachedName});
    if (change.kind == rooms::ChangeKind::author_erased) append(out, R"(,"erased":true)");
  } else {
    number_member(out, "offset", change.offset);
  }
  if (numbered && change.number > 0) number_member(out, "change", change.number);
}

inline void room_message(std::string& out, std::string_view type, MessageId id, const RoomName& room) {
  open(out, type, id);
  string_member(out, "room", room.view());
}

} // namespace foyer::protocol::parts
