#include "cli/chat/chat_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace foyer::cli {
namespace {

constexpr Millis kFirstWait{500};
constexpr Millis kLongestWait{30'000};
constexpr std::uint32_t kMostHistory = 300;
constexpr int kCouldNotConnect = 2;

// People are shown by name; "id:" precedes an id.
json::Object person(std::string_view argument) {
  if (argument.starts_with("id:")) return {{"user", argument.substr(3)}};
  return {{"name", argument}};
}

} // namespace

ChatSession::ChatSession(ChatSettings settings, std::string token, Entropy& entropy)
    : settings_(std::move(settings)),
      token_(std::move(token)),
      entropy_(entropy) {}

Actions ChatSession::done() { return std::exchange(out_, {}); }

void ChatSession::show(std::string text) {
  if (!settings_.raw) out_.emplace_back(act::Show{std::move(text)});
}

void ChatSession::note(std::string text) { out_.emplace_back(act::Note{std::move(text)}); }

void ChatSession::finish(int status) {
  state_ = State::finished;
  out_.emplace_back(act::Finish{status});
}

// --- the connection ---

void ChatSession::connect() {
  state_ = State::connecting;
  refusal_.reset();
  background_.clear();
  resend_later_ = false;
  silent_ticks_ = 0;
  ask_again_ = false;
  end_shown_ = false;
  out_.emplace_back(act::Connect{});
}

// Doubles from half a second to half a minute; half of it is random, so that
// clients of the same failed server do not return together.
void ChatSession::reconnect(std::optional<Millis> at_least) {
  const auto doubled = kFirstWait * (1LL << std::min(attempts_, 10));
  ++attempts_;
  const Millis base = at_least ? *at_least * 2 : std::min<Millis>(doubled, kLongestWait);
  const auto half = static_cast<std::uint64_t>(std::max<std::int64_t>(base.count() / 2, 1));
  const Millis wait{static_cast<std::int64_t>(half + entropy_.below(half))};
  state_ = State::waiting;
  note(fmt::format("Retrying in {:.1f} s.", static_cast<double>(wait.count()) / 1000));
  out_.emplace_back(act::Wake{wait});
}

// No server was ever reached: most likely the URL is wrong, and the user must act.
void ChatSession::give_up_or_reconnect() {
  if (ever_ready_)
    reconnect();
  else
    finish(kCouldNotConnect);
}

void ChatSession::handle(const ReceivedRefusal& refusal) {
  const bool may_refresh = refusal.retry == Retry::refresh && settings_.can_refresh && !refreshed_;
  if (may_refresh) {
    state_ = State::refreshing;
    refreshing_for_ = refusal;
    out_.emplace_back(act::Refresh{});
    return;
  }
  note(refusal_text(refusal));
  if (refusal.retry == Retry::after)
    reconnect(refusal.retry_after ? refusal.retry_after : retry_after_);
  else
    finish(1);
}

Actions ChatSession::start() {
  connect();
  return done();
}

Actions ChatSession::opened() {
  state_ = State::authenticating;
  out_.emplace_back(act::Send{json::write(json::Object{{"type", "authenticate"}, {"token", token_},
      {"features", json::Array{"changes", "room_reset", "people", "data"}}})});
  return done();
}

Actions ChatSession::handshake_failed(const Failure& failure) {
  if (failure.refusal) {
    handle(*failure.refusal);
  } else if (failure.status != 0) {
    note(failure.foreign ? fmt::format("{} (the answer is not from Foyer)", failure.what) : failure.what);
    state_ = State::asking;
    out_.emplace_back(act::AskWhy{});
  } else {
    note(failure.what);
    give_up_or_reconnect();
  }
  return done();
}

Actions ChatSession::why(const std::optional<ReceivedRefusal>& refusal) {
  if (refusal && refusal->code != code_of(Cause::UPGRADE_MISSING)) {
    handle(*refusal);
    return done();
  }
  if (refusal)
    note(
        "The server answers plain HTTP requests here, so something in between, such as a proxy, blocks the WebSocket "
        "handshake.");
  else
    note("The server at this address is not Foyer. Check the URL and any proxy in between.");
  give_up_or_reconnect();
  return done();
}

Actions ChatSession::closed(std::uint16_t code, std::string_view reason) {
  if (state_ != State::connecting && state_ != State::authenticating && state_ != State::ready) return done();
  if (ends_here()) { // we closed it; the answer is on its way
    state_ = State::signing_out;
    return done();
  }
  if (refusal_) {
    handle(*std::exchange(refusal_, std::nullopt));
  } else if (const auto refusal = refusal_from_close(reason)) {
    handle(*refusal);
  } else {
    note(fmt::format("The connection ended ({}{}{}).", code, reason.empty() ? "" : ": ", printable(reason)));
    if (code >= 4500 && code <= 4999) // an application's own code, which means: for good
      finish(1);
    else
      reconnect(retry_after_);
  }
  return done();
}

Actions ChatSession::refreshed(std::string token) {
  token_ = std::move(token);
  if (state_ == State::ready) {
    const std::uint64_t id = next_id_++;
    background_.emplace(id, std::string{});
    out_.emplace_back(act::Send{json::write(json::Object{{"type", "refresh"}, {"id", id}, {"token", token_}})});
  } else if (state_ == State::refreshing) {
    refreshed_ = true;
    connect();
  }
  return done();
}

Actions ChatSession::refresh_failed(const std::optional<ReceivedRefusal>& refusal, std::string_view what) {
  const bool passing = !refusal || refusal->retry == Retry::after;
  if (state_ == State::ready) {
    ask_again_ = passing;
    session_ends(refusal ? &*refusal : nullptr, what);
    return done();
  }
  if (state_ != State::refreshing) return done();
  // "Unknown session" tells the user less than the close before it.
  const bool close_says_more = refusal && refusal->code == code_of(Cause::REFRESH_UNKNOWN) && refreshing_for_ &&
      refreshing_for_->code != code_of(Cause::TOKEN_EXPIRED);
  note(close_says_more ? refusal_text(*refreshing_for_) : refusal ? refusal_text(*refusal) : std::string{what});
  if (passing)
    reconnect(refusal ? refusal->retry_after : std::nullopt);
  else
    finish(1);
  return done();
}

// The old token is still valid for a while: says until when, why, and what to do.
void ChatSession::session_ends(const ReceivedRefusal* because, std::string_view what) {
  if (std::exchange(end_shown_, true)) return;
  std::string text = fmt::format("Your session ends{}{}.\n", token_end_.empty() ? "" : " at ", token_end_);
  text += because != nullptr ? refusal_text(*because) : std::string{what};
  text += ask_again_ ? "\n"
                       "Retrying until then; your messages are still sent."
                     : "\n"
                       "Your messages are sent until then. To continue, start foyer chat again and log in.";
  note(std::move(text));
}

// --- the account ---

void ChatSession::account(AccountCommand command, std::string method, std::string path) {
  account_ = command;
  out_.emplace_back(act::Call{std::move(method), std::move(path)});
}

void ChatSession::sign_out(std::string_view which) {
  if (which.empty()) return account(AccountCommand::end_this, "POST", "/auth/logout");
  if (which == "all") return account(AccountCommand::end_all, "DELETE", "/auth/sessions");
  if (which == "others") return account(AccountCommand::end_others, "DELETE", "/auth/sessions?others=true");
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), number);
  if (error != std::errc{} || end != which.data() + which.size())
    return note("/signout takes no argument, `others`, `all`, or a number from /sessions.");
  if (number == 0 || number > session_ids_.size())
    return note(session_ids_.empty() ? "Use /sessions first; it shows the numbers."
                                     : fmt::format("/sessions listed 1 to {}.", session_ids_.size()));
  account(AccountCommand::end_one, "DELETE", "/auth/sessions/" + session_ids_[number - 1]);
}

Actions ChatSession::answered(std::string_view body) {
  const bool ends = ends_here();
  switch (std::exchange(account_, AccountCommand::none)) {
    case AccountCommand::none: break;
    case AccountCommand::list: {
      const auto value = json::parse(body);
      if (!value || !value->is_object()) {
        note("The server's answer is not a list of sessions.");
        break;
      }
      session_ids_.clear();
      if (const json::Value* list = value->as_object().if_contains("sessions"); list != nullptr && list->is_array())
        for (const json::Value& row : list->get_array())
          session_ids_.emplace_back(row.is_object() ? json::get_string(row.get_object(), "id").value_or("") : "");
      if (settings_.raw) out_.emplace_back(act::Show{std::string{body}});
      show(sessions_text(value->as_object()));
      break;
    }
    case AccountCommand::end_one: note("That session has ended."); break;
    case AccountCommand::end_others: note("All your other sessions have ended."); break;
    case AccountCommand::end_this: note("Signed out: this session has ended."); break;
    case AccountCommand::end_all: note("Signed out everywhere: all your sessions have ended."); break;
  }
  if (ends) {
    out_.emplace_back(act::Drop{});
    finish(0);
  } else if (state_ == State::ready) {
    next_line();
  }
  return done();
}

Actions ChatSession::call_failed(const std::optional<ReceivedRefusal>& refusal, std::string_view what) {
  account_ = AccountCommand::none;
  note(refusal ? refusal_text(*refusal) : std::string{what});
  if (state_ == State::signing_out) reconnect();
  next_line();
  return done();
}

Actions ChatSession::woke() {
  if (state_ == State::waiting) {
    connect();
  } else if (state_ == State::ready && std::exchange(resend_later_, false) && pending_) {
    out_.emplace_back(act::Send{pending_->text});
  }
  return done();
}

void ChatSession::ping() { out_.emplace_back(act::Send{R"({"type":"ping"})"}); }

Actions ChatSession::tick(bool received_something) {
  if (state_ == State::ready && std::exchange(ask_again_, false)) out_.emplace_back(act::Refresh{});
  if (state_ != State::ready && state_ != State::authenticating) return done();
  if (received_something) {
    silent_ticks_ = 0;
  } else if (++silent_ticks_ == 2) {
    ping();
  } else if (silent_ticks_ > 2) {
    note("The server has stopped responding.");
    out_.emplace_back(act::Drop{});
    reconnect();
  }
  return done();
}

// --- typed lines ---

Actions ChatSession::typed(std::string line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  const bool nothing_to_deliver = lines_.empty() && !pending_;
  if (line == "/quit" && state_ != State::ready && nothing_to_deliver)
    finish(0);
  else if (!line.empty())
    lines_.push_back(std::move(line));
  next_line();
  return done();
}

Actions ChatSession::end_of_input() {
  input_ended_ = true;
  const bool nothing_to_deliver = lines_.empty() && !pending_;
  if (state_ == State::waiting && ever_ready_ && nothing_to_deliver) finish(0);
  next_line();
  return done();
}

void ChatSession::next_line() {
  while (state_ == State::ready && !busy() && !lines_.empty()) {
    const std::string line = std::move(lines_.front());
    lines_.pop_front();
    if (line.starts_with("//"))
      say(std::string_view{line}.substr(1));
    else if (line.starts_with('/'))
      slash(line);
    else
      say(line);
  }
  if (input_ended_ && state_ == State::ready && !busy() && lines_.empty()) {
    out_.emplace_back(act::Leave{});
    finish(0);
  }
}

void ChatSession::command(std::string type, std::string room, json::Object members) {
  const std::uint64_t id = next_id_++;
  members["type"] = type;
  members["id"] = id;
  if (!room.empty()) members["room"] = room;
  pending_ = Pending{.id = id, .type = std::move(type), .room = std::move(room), .text = json::write(members)};
  out_.emplace_back(act::Send{pending_->text});
}

void ChatSession::say(std::string_view text) {
  if (current_.empty()) return note("You are not in a room yet; /join ROOM enters one.");
  if (!is_utf8(text)) return note("That line is not valid UTF-8 and was not sent.");
  command("chat", current_, {{"message", text}, {"key", entropy_.short_id()}});
}

// The last invitation shown, number N of /invitations, or the named room.
void ChatSession::answer_invitation(std::string_view type, std::string room) {
  std::size_t number = invitations_.size();
  const auto [end, error] = std::from_chars(room.data(), room.data() + room.size(), number);
  const bool is_number = error == std::errc{} && end == room.data() + room.size();
  if (room.empty() || is_number) {
    if (invitations_.empty()) return note("You have no invitations; /invitations checks again.");
    if (number == 0 || number > invitations_.size())
      return note(fmt::format("/invitations listed 1 to {}.", invitations_.size()));
    room = invitations_[number - 1];
  }
  command(std::string{type}, std::move(room), {});
}

void ChatSession::slash(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  std::string argument{space == std::string_view::npos ? "" : line.substr(space + 1)};
  while (argument.starts_with(' ')) argument.erase(0, 1);
  const auto need = [&](std::string_view what) {
    if (argument.empty()) note(fmt::format("{} needs {}.", word, what));
    return !argument.empty();
  };
  const auto need_room = [&] {
    if (current_.empty()) note("You are not in a room yet; /join ROOM enters one.");
    return !current_.empty();
  };
  if (word == "/help") {
    note(std::string{chat_help()});
  } else if (word == "/quit") {
    out_.emplace_back(act::Leave{});
    finish(0);
  } else if (word == "/rooms") {
    command("rooms", "", argument.empty() ? json::Object{} : json::Object{{"after", argument}});
  } else if (word == "/sessions") {
    account(AccountCommand::list, "GET", "/auth/sessions");
  } else if (word == "/signout") {
    sign_out(argument);
  } else if (word == "/join" && need("the name of a room")) {
    if (argument.starts_with('#')) argument.erase(0, 1);
    if (rooms_.contains(argument)) {
      current_ = argument;
      note(fmt::format("You are now in {}.", printable(argument, 128)));
    } else {
      command("join", argument, {{"limit", settings_.history}});
    }
  } else if (word == "/leave" && need_room()) {
    command("leave", current_, {});
  } else if (word == "/who" && need_room()) {
    command("presence", current_, {});
  } else if (word == "/history" && need_room()) {
    std::uint32_t limit = 50;
    if (!argument.empty()) std::from_chars(argument.data(), argument.data() + argument.size(), limit);
    command("history", current_, {{"limit", std::clamp(limit, 1U, kMostHistory)}});
  } else if (word == "/create" && need("the name of a room")) {
    command("create", argument.find(':') == std::string::npos ? "private:" + argument : argument, {});
  } else if (word == "/invite" && need("the name of a person") && need_room()) {
    command("invite", current_, person(argument));
  } else if (word == "/direct" && need("the name of a person")) {
    command("direct", "", person(argument));
  } else if (word == "/invitations") {
    command("invitations", "", {});
  } else if (word == "/accept" || word == "/decline") {
    answer_invitation(word.substr(1), argument);
  } else if (word != "/join" && word != "/leave" && word != "/who" && word != "/history" && word != "/create" &&
      word != "/invite" && word != "/direct") {
    note(fmt::format("Unknown command {}; /help lists the commands.", printable(word, 32)));
  }
}

} // namespace foyer::cli
