// Messages from the server to `foyer chat`, and the rooms that follow from them.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cli/chat/chat_session.h"

namespace foyer::cli {
namespace {

constexpr std::uint32_t kPage = 300;      // messages fetched at once when some were missed
constexpr std::size_t kMostHeld = 20'000; // of one room, while older ones are fetched

std::string text_of(const json::Object& object, std::string_view name) {
  return std::string{json::get_string(object, name).value_or("")};
}

Offset offset_of(const json::Object& object) {
  const auto offset = json::get_int(object, "offset");
  return offset && *offset > 0 ? static_cast<Offset>(*offset) : 0;
}

Offset number_of(const json::Object& object, std::string_view name) {
  const auto number = json::get_int(object, name);
  return number && *number > 0 ? static_cast<Offset>(*number) : 0;
}

constexpr std::uint64_t kUnasked = 0; // the id of the commands sent at the start; nothing waits for the answers

// The members of a list that are objects, in order.
std::vector<const json::Object*> list_of(const json::Object& object, std::string_view name) {
  std::vector<const json::Object*> out;
  const json::Value* list = object.if_contains(name);
  if (list == nullptr || !list->is_array()) return out;
  for (const json::Value& message : list->get_array())
    if (message.is_object()) out.push_back(&message.get_object());
  return out;
}
std::vector<const json::Object*> messages_of(const json::Object& object, std::string_view name = "messages") {
  return list_of(object, name);
}

// "bob invites you to private:den", "bob wants to write to you"
std::string invitation_text(const json::Object& object) {
  const std::string room = text_of(object, "room");
  const std::string from = user_name(object, "from");
  return room.starts_with("direct:") ? from + " wants to write to you"
                                     : fmt::format("{} invites you to {}", from, printable(room, 128));
}

} // namespace

Actions ChatSession::received(std::string_view text) {
  if (settings_.raw) out_.emplace_back(act::Show{std::string{text}});
  const auto value = json::parse(text);
  if (!value || !value->is_object()) {
    note("The server sent something that is not a JSON object.");
    return done();
  }
  const json::Object& object = value->as_object();
  const std::string type = text_of(object, "type");
  if (state_ == State::authenticating) {
    if (type == "authentication_success")
      welcome(object);
    else if (type == "authentication_error")
      refusal_ = refusal_from(object);
    else
      on_push(type, object);
    return done();
  }
  if (state_ != State::ready) return done();
  const auto id = json::get_int(object, "id");
  if (id && pending_ && pending_->id == static_cast<std::uint64_t>(*id)) {
    if (type == "error")
      on_error(object, true);
    else
      on_answer(type, object);
  } else if (id && background_.contains(static_cast<std::uint64_t>(*id))) {
    const std::string room = background_.extract(static_cast<std::uint64_t>(*id)).mapped();
    if (type == "refreshed" && std::exchange(end_shown_, false)) note("Your session continues.");
    if (type == "joined") {
      const bool first = !rooms_[room].known;
      on_joined(object);
      if (first) show(members_text(room, object));
    } else if (type == "history") {
      on_history(object);
    } else if (type == "error" && room.empty()) { // the new token was refused
      const auto refusal = refusal_from(object);
      session_ends(refusal ? &*refusal : nullptr, "The server did not accept the new token.");
    } else if (type == "error") {
      on_error(object, false);
      if (const auto found = rooms_.find(room); found != rooms_.end()) {
        found->second.fetching = false;
        release(found->second);
        if (!found->second.known) rooms_.erase(found);
      }
    }
  } else {
    on_push(type, object);
  }
  if (state_ == State::ready) next_line();
  return done();
}

void ChatSession::welcome(const json::Object& object) {
  const bool again = ever_ready_;
  state_ = State::ready;
  ever_ready_ = true;
  refreshed_ = false;
  attempts_ = 0;
  retry_after_.reset();
  note(again ? "Connected again."
             : fmt::format("Connected as {}. /help lists the commands.", user_name(object, "user")));
  if (!again)
    for (const std::string& room : settings_.rooms) {
      rooms_[room];
      current_ = room;
    }
  for (auto& [name, room] : rooms_) join(name, room.known);
  if (!again && !settings_.raw)
    out_.emplace_back(act::Send{json::write(json::Object{{"type", "invitations"}, {"id", kUnasked}})});
  if (pending_) out_.emplace_back(act::Send{pending_->text}); // under its key: stored once
  next_line();
}

void ChatSession::join(const std::string& room, bool again) {
  const std::uint64_t id = next_id_++;
  json::Object command{{"type", "join"}, {"id", id}, {"room", room}, {"limit", again ? kPage : settings_.history}};
  Room& state = rooms_[room];
  state.held.clear();
  state.fetching = false;
  if (again) {
    json::Object since{{"epoch", state.epoch}, {"offset", state.seen}, {"change", state.change}};
    if (!state.time.empty()) since["time"] = state.time;
    command["since"] = std::move(since);
  }
  background_.emplace(id, room);
  out_.emplace_back(act::Send{json::write(command)});
}

void ChatSession::on_answer(const std::string& type, const json::Object& object) {
  const Pending answered = *std::exchange(pending_, std::nullopt);
  const std::string room = text_of(object, "room");
  if (type == "joined") {
    on_joined(object);
    current_ = room;
    show(members_text(room, object));
  } else if (type == "left") {
    rooms_.erase(room);
    if (current_ == room) current_ = rooms_.empty() ? "" : rooms_.begin()->first;
    show(fmt::format("* you left {}{}", printable(room, 128),
        current_.empty() ? "" : "; you are now in " + printable(current_, 128)));
  } else if (type == "rooms") {
    show(rooms_text(object));
    if (const auto next = next_page_of_rooms(object)) lines_.push_front("/rooms " + *next);
  } else if (type == "presence") {
    show(members_text(room, object));
  } else if (type == "history") {
    for (const json::Object* message : messages_of(object)) show(message_line(answered.room, *message));
  } else if (type == "created") {
    lines_.push_front("/join " + room);
  } else if (type == "invited") {
    const bool pending = json::get_bool(object, "pending").value_or(false);
    show(pending ? fmt::format("* invitation sent for {}", printable(room, 128))
                 : fmt::format("* {} is already a member of {}", printable(text_of(object, "user"), 128),
                       printable(room, 128)));
  } else if (type == "accepted") {
    std::erase(invitations_, room);
    lines_.push_front("/join " + room);
  } else if (type == "declined") {
    std::erase(invitations_, room);
    show(fmt::format("* declined {}", printable(room, 128)));
  } else if (type == "invitations") {
    show_invitations(object);
  }
}

void ChatSession::show_invitations(const json::Object& object) {
  invitations_.clear();
  std::string text;
  for (const json::Object* each : list_of(object, "invitations")) {
    invitations_.push_back(text_of(*each, "room"));
    text += fmt::format("{}* {}  {}: /accept {} or /decline {}", text.empty() ? "" : "\n", invitations_.size(),
        invitation_text(*each), invitations_.size(), invitations_.size());
  }
  if (json::get_bool(object, "more").value_or(false)) text += "\n* and more";
  show(text.empty() ? "* no invitations" : text);
}

void ChatSession::on_error(const json::Object& object, bool answers_pending) {
  auto refusal = refusal_from(object);
  if (!refusal)
    refusal = ReceivedRefusal{.code = "error",
        .message = text_of(object, "message"),
        .step = {},
        .ref = {},
        .retry = Retry::never,
        .retry_after = {}};
  if (answers_pending && refusal->retry == Retry::after) {
    resend_later_ = true;
    out_.emplace_back(act::Wake{refusal->retry_after.value_or(Millis{1000})});
    return;
  }
  if (answers_pending) pending_.reset();
  note(refusal_text(*refusal));
}

void ChatSession::on_push(const std::string& type, const json::Object& object) {
  const std::string room = text_of(object, "room");
  if (type == "message") {
    on_message(room, object);
  } else if (type == "member_joined" || type == "member_left") {
    show(fmt::format(
        "* {} {} {}", user_name(object, "user"), type == "member_joined" ? "entered" : "left", printable(room, 128)));
  } else if (type == "deleted" || type == "author_detached") {
    on_change(room, type, object);
  } else if (type == "invitation") {
    std::erase(invitations_, room);
    invitations_.push_back(room);
    show(fmt::format("* {}: /accept or /decline", invitation_text(object)));
  } else if (type == "invitations") {
    if (!list_of(object, "invitations").empty()) show_invitations(object);
  } else if (type == "declined") {
    std::erase(invitations_, room); // on another device
  } else if (type == "room_added") {
    if (std::erase(invitations_, room) > 0 || (pending_ && pending_->type == "accept" && pending_->room == room))
      return;
    show(fmt::format("* you are now a member of {0}: /join {0}", printable(room, 128)));
  } else if (type == "room_reset") {
    if (const auto found = rooms_.find(room); found != rooms_.end())
      join(room, found->second.known); // on_joined() shows it
  } else if (type == "joined" && text_of(object, "by") == "server") {
    on_joined_by_server(room, object);
  } else if (type == "room_removed" && object.contains("code")) {
    rooms_.erase(room);
    if (current_ == room) current_.clear();
    note(fmt::format("You are no longer in {} ({}).", printable(room, 128), printable(text_of(object, "code"))));
  } else if (type == "room_removed") {
    rooms_.erase(room);
    if (current_ == room) current_.clear();
    show(fmt::format("* you are no longer a member of {}", printable(room, 128)));
  } else if (type == "token_expiring") {
    token_end_ = local_time(text_of(object, "expires_at"));
    if (settings_.can_refresh)
      out_.emplace_back(act::Refresh{});
    else
      session_ends(nullptr, "You logged in with a token; only a login with a name can be renewed.");
  } else if (type == "closing") {
    if (const auto wait = json::get_int(object, "retry_after_ms")) retry_after_ = Millis{*wait};
    note("The server is about to restart.");
  } else if (type == "error" &&
      json::get_int(object, "id") != static_cast<std::int64_t>(kUnasked)) { // an older server has no invitations
    on_error(object, false);
  }
}

void ChatSession::on_joined(const json::Object& object) {
  const std::string name = text_of(object, "room");
  const std::string epoch = text_of(object, "epoch");
  const auto messages = messages_of(object);
  Room& room = rooms_[name];
  const bool same_history = room.known && room.epoch == epoch;
  if (room.known && !same_history) {
    note(fmt::format("The history of {} was reset.", printable(name, 128)));
    room.seen = 0;
  }
  const bool recovered = json::get_bool(object, "recovered").value_or(false);
  room.known = true;
  room.epoch = epoch;
  if (same_history && recovered)
    for (const json::Object* change : messages_of(object, "changes"))
      on_change(name, text_of(*change, "type"), *change);
  room.change = number_of(object, "change");
  for (const json::Object* message : messages) hold(name, room, *message);
  const Offset first = messages.empty() ? offset_of(object) + 1 : offset_of(*messages.front());
  if (same_history && !recovered && first > room.seen + 1) return fetch_older(name, room, first);
  release(room);
  if (offset_of(object) < room.seen) return;
  std::string time = text_of(object, "time");
  if (!time.empty() || offset_of(object) > room.seen) room.time = std::move(time);
  room.seen = offset_of(object);
}

// The application put this person into a room.
void ChatSession::on_joined_by_server(const std::string& room, const json::Object& object) {
  if (!rooms_[room].known) show(fmt::format("* you were put into {}", printable(room, 128)));
  on_joined(object);
  if (current_.empty()) current_ = room;
}

void ChatSession::fetch_older(const std::string& name, Room& room, Offset before) {
  const std::uint64_t id = next_id_++;
  room.fetching = true;
  background_.emplace(id, name);
  out_.emplace_back(act::Send{json::write(
      json::Object{{"type", "history"}, {"id", id}, {"room", name}, {"before", before}, {"limit", kPage}})});
}

void ChatSession::on_history(const json::Object& object) {
  const std::string name = text_of(object, "room");
  const auto found = rooms_.find(name);
  if (found == rooms_.end()) return;
  Room& room = found->second;
  const auto messages = messages_of(object);
  for (const json::Object* message : messages) hold(name, room, *message);
  const bool more = json::get_bool(object, "more").value_or(false) && !messages.empty();
  const Offset first = messages.empty() ? 0 : offset_of(*messages.front());
  if (more && first > room.seen + 1) {
    if (room.held.size() < kMostHeld) return fetch_older(name, room, first);
    note(fmt::format("{} has more messages than are shown here.", printable(name, 128)));
  }
  room.fetching = false;
  release(room);
}

void ChatSession::on_message(const std::string& name, const json::Object& message) {
  const auto found = rooms_.find(name);
  if (found == rooms_.end()) return show(message_line(name, message)); // sent while we were leaving
  Room& room = found->second;
  if (room.known && !room.fetching && offset_of(message) > room.seen + 1) return lost_something();
  hold(name, room, message);
  if (!room.fetching) release(room);
}

// Changes of a room are numbered without gaps, like its messages.
void ChatSession::on_change(const std::string& name, const std::string& type, const json::Object& change) {
  const Offset number = number_of(change, "change");
  if (const auto found = rooms_.find(name); found != rooms_.end() && number > 0) {
    Room& room = found->second;
    if (number <= room.change) return; // already received
    if (number > room.change + 1) return lost_something();
    room.change = number;
    const bool erased = json::get_bool(change, "erased").value_or(false);
    for (auto& [offset, held] : room.held)
      if (type == "deleted" ? offset == offset_of(change) : erased && held.from == user_id(change, "user"))
        held.line = held.gone;
  }
  if (type == "deleted")
    show(fmt::format("* message {} of {} was deleted", offset_of(change), printable(name, 128)));
  else if (type == "author_detached")
    show(fmt::format("* {} in {} is now {}{}", user_id(change, "user"), printable(name, 128), user_name(change, "user"),
        json::get_bool(change, "erased").value_or(false) ? ", and the messages were deleted" : ""));
}

void ChatSession::lost_something() {
  if (state_ != State::ready) return;
  note("A message did not arrive; reconnecting.");
  out_.emplace_back(act::Drop{});
  reconnect();
}

void ChatSession::hold(const std::string& name, Room& room, const json::Object& message) {
  const Offset offset = offset_of(message);
  if (offset <= room.seen) return;
  json::Object gone = message;
  gone["deleted"] = true;
  room.held.try_emplace(offset,
      Held{.line = message_line(name, message),
          .time = text_of(message, "time"),
          .gone = message_line(name, gone),
          .from = user_id(message, "from")});
}

void ChatSession::release(Room& room) {
  for (auto& [offset, held] : room.held) {
    show(std::move(held.line));
    room.seen = offset;
    room.time = std::move(held.time);
  }
  room.held.clear();
}

} // namespace foyer::cli
