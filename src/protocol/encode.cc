#include "protocol/encode.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"

namespace foyer::protocol {
namespace {

void append(std::string& out, std::string_view text) { out.append(text); }

void number(std::string& out, std::uint64_t n) {
  const fmt::format_int digits(n);
  out.append(digits.data(), digits.size());
}

void boolean(std::string& out, bool b) { append(out, b ? "true" : "false"); }

void open(std::string& out, std::string_view type, MessageId id = std::nullopt) {
  append(out, R"({"type":")");
  append(out, type);
  out.push_back('"');
  if (id) append(out, R"(,"id":)"), number(out, *id);
}

void string_member(std::string& out, std::string_view name, std::string_view value) {
  out.push_back(',');
  out.push_back('"');
  append(out, name);
  append(out, "\":");
  json::append_string(out, value);
}

void time_member(std::string& out, std::string_view name, WallTime time) {
  append(out, ",\"");
  append(out, name);
  append(out, "\":\"");
  append(out, rfc3339(time));
  out.push_back('"');
}

void number_member(std::string& out, std::string_view name, std::uint64_t value) {
  append(out, ",\"");
  append(out, name);
  append(out, "\":");
  number(out, value);
}

void bool_member(std::string& out, std::string_view name, bool value) {
  append(out, ",\"");
  append(out, name);
  append(out, "\":");
  boolean(out, value);
}

void user_object(std::string& out, UserRef user) {
  append(out, R"({"id":)");
  json::append_string(out, user.id);
  append(out, R"(,"name":)");
  json::append_string(out, user.name);
  out.push_back('}');
}

void invitation_members(std::string& out, const InvitationView& i) {
  append(out, R"("from":)");
  user_object(out, i.from);
  string_member(out, "room", i.room);
  time_member(out, "expires_at", i.expires_at);
  out.push_back('}');
}

void message_members(std::string& out, const MessageView& m) {
  number_member(out, "offset", m.offset);
  append(out, R"(,"from":)");
  user_object(out, m.from);
  string_member(out, "message", m.too_large ? std::string_view{} : m.text);
  if (m.too_large) append(out, R"(,"too_large":true)");
  time_member(out, "time", m.time);
  if (!m.key.empty()) string_member(out, "key", m.key);
  if (m.deleted) append(out, R"(,"deleted":true)");
}

// In a list: shaped like `message` without `type`.
void listed_message(std::string& out, std::string_view room, std::string_view epoch, const MessageView& m) {
  append(out, R"({"room":)");
  json::append_string(out, room);
  string_member(out, "epoch", epoch);
  message_members(out, m);
  out.push_back('}');
}

void message_list(std::string& out, std::string_view messages) {
  append(out, R"(,"messages":[)");
  append(out, messages);
  out.push_back(']');
}

void member_list(std::string& out, std::span<const UserRef> members, std::size_t count) {
  append(out, R"(,"members":[)");
  bool first = true;
  for (const auto& member : members) {
    if (!first) out.push_back(',');
    first = false;
    user_object(out, member);
  }
  out.push_back(']');
  number_member(out, "member_count", count);
}

void refusal_members(std::string& out, const Refusal& refusal, const Ref& ref, bool reveal, bool with_step) {
  const CauseInfo& cause = refusal.info();
  string_member(out, "code", cause.code);
  std::string sentence{cause.client};
  if (!refusal.detail.empty()) sentence += " " + refusal.detail;
  string_member(out, "message", reveal && !refusal.evidence.empty() ? refusal.operator_text() : sentence);
  if (with_step) string_member(out, "step", to_string(cause.step));
  if (!refusal.field.empty()) string_member(out, "field", refusal.field);
  string_member(out, "ref", ref.view());
  string_member(out, "retry", to_string(cause.retry));
  if (refusal.retry_after)
    number_member(out, "retry_after_ms", static_cast<std::uint64_t>(refusal.retry_after->count()));
  out.push_back('}');
}

} // namespace

std::string WelcomeConstants::tail() const {
  std::string out = fmt::format(
      R"(,"heartbeat_ms":{},"limits":{{"message_bytes":{},"text_bytes":{},"rooms":{},"messages_per_s":{},"name_bytes":{}}},"server":{{"version":)",
      heartbeat.count(), message_bytes, text_bytes, rooms, messages_per_s, name_bytes);
  json::append_string(out, version);
  string_member(out, "build", build);
  string_member(out, "environment", environment);
  string_member(out, "config", config);
  append(out, "}}");
  return out;
}

void authentication_success(std::string& out, MessageId id, const Welcome& welcome, std::string_view constants_tail) {
  open(out, "authentication_success", id);
  append(out, R"(,"user":)");
  user_object(out, welcome.user);
  string_member(out, "connection", welcome.connection);
  string_member(out, "session", welcome.session);
  append(out, R"(,"permissions":[)");
  const char* comma = "";
  const auto name_if = [&](bool has, std::string_view name) {
    if (!has) return;
    append(out, comma);
    comma = ",";
    out.push_back('"');
    append(out, name);
    out.push_back('"');
  };
  name_if(welcome.permissions.chat_read, "chat:read");
  name_if(welcome.permissions.chat_write, "chat:write");
  name_if(welcome.permissions.admin, "admin");
  out.push_back(']');
  time_member(out, "expires_at", welcome.expires_at);
  if (welcome.terms.named_features) {
    append(out, R"(,"features":[)");
    comma = "";
    for (const auto& [name, feature] : kFeatures) name_if(welcome.terms.features.has(feature), name);
    out.push_back(']');
  }
  if (welcome.terms.max_message > 0) number_member(out, "max_message", welcome.terms.max_message);
  append(out, constants_tail);
}

void authentication_error(std::string& out, MessageId id, const Refusal& refusal, const Ref& ref, bool reveal) {
  open(out, "authentication_error", id);
  refusal_members(out, refusal, ref, reveal, true);
}

void error(std::string& out, MessageId id, const Refusal& refusal, const Ref& ref, bool reveal) {
  open(out, "error", id);
  refusal_members(out, refusal, ref, reveal, false);
}

namespace {

void change_members(std::string& out, const ChangeView& change) {
  if (change.offset > 0) {
    number_member(out, "offset", change.offset);
  } else {
    append(out, R"(,"user":)");
    user_object(out, change.author);
  }
  if (change.number > 0) number_member(out, "change", change.number);
}

} // namespace

std::string change_list(std::span<const ChangeView> changes) {
  std::string out;
  for (const ChangeView& change : changes) {
    append(out, out.empty() ? R"({"type":")" : R"(,{"type":")");
    append(out, change.offset > 0 ? R"(deleted")" : R"(author_detached")");
    change_members(out, change);
    out.push_back('}');
  }
  return out;
}

MessageList fit_messages(std::string_view room, std::string_view epoch, std::span<const MessageView> messages,
    Keep keep, std::size_t bytes) {
  std::vector<std::string> parts;
  std::size_t used = 0;
  MessageList list;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    MessageView m = keep == Keep::oldest ? messages[i] : messages[messages.size() - 1 - i];
    std::string part;
    if (m.text.size() <= bytes) listed_message(part, room, epoch, m);
    if (part.empty() || part.size() > bytes) {
      m.too_large = true;
      part.clear();
      listed_message(part, room, epoch, m);
    }
    if (used + part.size() + 1 > bytes) {
      list.all = false;
      break;
    }
    used += part.size() + 1;
    parts.push_back(std::move(part));
  }
  if (keep == Keep::newest) std::ranges::reverse(parts);
  list.count = parts.size();
  list.json.reserve(used);
  for (const std::string& part : parts) {
    if (!list.json.empty()) list.json.push_back(',');
    append(list.json, part);
  }
  return list;
}

std::size_t member_bytes(std::span<const UserRef> members) {
  std::string scratch;
  for (const UserRef& member : members) user_object(scratch, member);
  return scratch.size() + members.size();
}

std::span<const UserRef> fit_members(std::span<const UserRef> members, std::size_t bytes) {
  std::string scratch;
  for (std::size_t i = 0; i < members.size(); ++i) {
    user_object(scratch, members[i]);
    scratch.push_back(',');
    if (scratch.size() > bytes) return members.first(i);
  }
  return members;
}

void joined(std::string& out, MessageId id, const Joined& j) {
  open(out, "joined", id);
  string_member(out, "room", j.room.room);
  string_member(out, "kind", j.room.kind);
  bool_member(out, "durable", j.durable);
  string_member(out, "epoch", j.room.epoch);
  number_member(out, "offset", j.room.offset);
  if (j.time != WallTime{}) time_member(out, "time", j.time);
  bool_member(out, "recovered", j.recovered);
  message_list(out, j.messages);
  bool_member(out, "more", j.more);
  if (j.change) {
    append(out, R"(,"changes":[)");
    append(out, j.changes);
    out.push_back(']');
    number_member(out, "change", *j.change);
  }
  member_list(out, j.members, j.member_count);
  out.push_back('}');
}

void history(std::string& out, MessageId id, std::string_view room, std::string_view epoch, std::string_view messages,
    bool more) {
  open(out, "history", id);
  string_member(out, "room", room);
  string_member(out, "epoch", epoch);
  message_list(out, messages);
  bool_member(out, "more", more);
  out.push_back('}');
}

void presence(
    std::string& out, MessageId id, std::string_view room, std::span<const UserRef> members, std::size_t member_count) {
  open(out, "presence", id);
  string_member(out, "room", room);
  member_list(out, members, member_count);
  out.push_back('}');
}

namespace {

// The rows of an answer that begins at `start`, with what ends it: as many as fit `bytes`, and the
// first in any case. `write` appends one row as an object.
template <class Row, class Write>
void rows_that_fit(
    std::string& out, std::size_t start, std::span<const Row> rows, bool more, std::size_t bytes, Write write) {
  constexpr std::size_t kEnd = std::string_view(R"(],"more":false})").size();
  out.push_back('[');
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t before = out.size();
    if (i > 0) out.push_back(',');
    write(rows[i]);
    if (i > 0 && out.size() - start + kEnd > bytes) {
      out.resize(before);
      more = true;
      break;
    }
  }
  out.push_back(']');
  bool_member(out, "more", more);
  out.push_back('}');
}

} // namespace

void rooms(std::string& out, MessageId id, std::span<const RoomView> list, bool more, std::size_t bytes) {
  const std::size_t start = out.size();
  open(out, "rooms", id);
  append(out, R"(,"rooms":)");
  rows_that_fit(out, start, list, more, bytes, [&out](const RoomView& room) {
    append(out, R"({"room":)");
    json::append_string(out, room.room);
    string_member(out, "kind", room.kind);
    string_member(out, "epoch", room.epoch);
    number_member(out, "offset", room.offset);
    out.push_back('}');
  });
}

void sent(std::string& out, MessageId id, std::string_view room, std::string_view epoch, Offset offset, WallTime time,
    bool duplicate) {
  open(out, "sent", id);
  string_member(out, "room", room);
  string_member(out, "epoch", epoch);
  number_member(out, "offset", offset);
  time_member(out, "time", time);
  bool_member(out, "duplicate", duplicate);
  out.push_back('}');
}

void room_answer(std::string& out, std::string_view type, MessageId id, std::string_view room) {
  open(out, type, id);
  string_member(out, "room", room);
  out.push_back('}');
}

void room_user_answer(
    std::string& out, std::string_view type, MessageId id, std::string_view room, std::string_view user) {
  open(out, type, id);
  string_member(out, "room", room);
  string_member(out, "user", user);
  out.push_back('}');
}

void invited(
    std::string& out, MessageId id, std::string_view room, std::string_view user, std::optional<bool> pending) {
  open(out, "invited", id);
  string_member(out, "room", room);
  string_member(out, "user", user);
  if (pending) bool_member(out, "pending", *pending);
  out.push_back('}');
}

void invitations(std::string& out, MessageId id, std::span<const InvitationView> list, bool more, std::size_t bytes) {
  const std::size_t start = out.size();
  open(out, "invitations", id);
  append(out, R"(,"invitations":)");
  rows_that_fit(out, start, list, more, bytes, [&out](const InvitationView& each) {
    out.push_back('{');
    invitation_members(out, each);
  });
}

void invitation(std::string& out, const InvitationView& i) {
  open(out, "invitation");
  out.push_back(',');
  invitation_members(out, i);
}

void refreshed(std::string& out, MessageId id, WallTime expires_at) {
  open(out, "refreshed", id);
  time_member(out, "expires_at", expires_at);
  out.push_back('}');
}

void pong(std::string& out, MessageId id) {
  open(out, "pong", id);
  out.push_back('}');
}

void changed(std::string& out, MessageId id, std::string_view room, const ChangeView& change) {
  open(out, change.offset > 0 ? "deleted" : "author_detached", id);
  string_member(out, "room", room);
  change_members(out, change);
  out.push_back('}');
}

void message(std::string& out, std::string_view room, std::string_view epoch, const MessageView& m) {
  open(out, "message");
  string_member(out, "room", room);
  string_member(out, "epoch", epoch);
  message_members(out, m);
  out.push_back('}');
}

void member_event(std::string& out, std::string_view type, std::string_view room, UserRef user) {
  open(out, type);
  string_member(out, "room", room);
  append(out, R"(,"user":)");
  user_object(out, user);
  out.push_back('}');
}

void room_reset(
    std::string& out, std::string_view room, std::string_view epoch, Offset offset, std::string_view reason) {
  open(out, "room_reset", std::nullopt);
  string_member(out, "room", room);
  string_member(out, "epoch", epoch);
  number_member(out, "offset", offset);
  string_member(out, "reason", reason);
  out.push_back('}');
}

void members_changed(std::string& out, std::string_view room, std::size_t member_count) {
  open(out, "members_changed");
  string_member(out, "room", room);
  number_member(out, "member_count", member_count);
  out.push_back('}');
}

void typing(std::string& out, std::string_view room, UserRef user, bool on) {
  open(out, "typing");
  string_member(out, "room", room);
  append(out, R"(,"user":)");
  user_object(out, user);
  bool_member(out, "on", on);
  out.push_back('}');
}

void token_expiring(std::string& out, WallTime expires_at) {
  open(out, "token_expiring");
  time_member(out, "expires_at", expires_at);
  out.push_back('}');
}

void closing(std::string& out, Millis retry_after) {
  open(out, "closing");
  number_member(out, "retry_after_ms", static_cast<std::uint64_t>(retry_after.count()));
  out.push_back('}');
}

} // namespace foyer::protocol
