// `foyer chat` as a state machine: events go in, actions come out.
// No socket, no timer, no terminal; chat.cc carries out the actions.
//
// Each typed line is one command; the next one waits for its answer, so
// that order survives a reconnect. A message has a key and is resent
// under the same key, so it is stored once. After a reconnect every room is
// joined with the last offset seen; missing messages are fetched before anything
// newer is shown, so there is no gap and no duplicate.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "cli/chat/chat_text.h"

namespace foyer::cli {

namespace act {
struct Connect {}; // open the socket; then opened() or handshake_failed()
struct Send {
  std::string text;
};
struct Drop {};  // close the socket without waiting; no closed() follows
struct Leave {}; // close it with 1000
struct Show {
  std::string text;
}; // for the user, or the raw object with --json: standard output
struct Note {
  std::string text;
}; // about the connection: standard error
struct Wake {
  Millis after;
}; // woke() after that; replaces an earlier one
struct Refresh {}; // POST /auth/refresh; then refreshed()
struct Call {
  std::string method;
  std::string path;
}; // with the access token; then answered()
struct AskWhy {}; // a plain GET on the socket's path; then why()
struct Finish {
  int status;
};
} // namespace act
using Action = std::variant<act::Connect, act::Send, act::Drop, act::Leave, act::Show, act::Note, act::Wake,
    act::Refresh, act::Call, act::AskWhy, act::Finish>;
using Actions = std::vector<Action>;

struct ChatSettings {
  std::vector<std::string> rooms; // joined at once; the last one is the current room
  std::uint32_t history = 20;     // messages shown on entering a room
  bool can_refresh = false;       // there is a refresh token
  bool raw = false;               // --json
};

class ChatSession {
 public:
  ChatSession(ChatSettings settings, std::string token, Entropy& entropy);

  [[nodiscard]] Actions start();
  [[nodiscard]] Actions opened();
  // `refusal`: the answer was one of Foyer's problems. `foreign`: the answer was not from Foyer.
  struct Failure {
    std::string what;
    std::optional<ReceivedRefusal> refusal = {};
    int status = 0;       // 0: no HTTP answer at all
    bool foreign = false; // an answer without X-Foyer
  };
  [[nodiscard]] Actions handshake_failed(const Failure& failure);
  [[nodiscard]] Actions why(const std::optional<ReceivedRefusal>& refusal);
  [[nodiscard]] Actions received(std::string_view text);
  [[nodiscard]] Actions closed(std::uint16_t code, std::string_view reason);
  [[nodiscard]] Actions refreshed(std::string token); // the new access token
  [[nodiscard]] Actions refresh_failed(const std::optional<ReceivedRefusal>& refusal, std::string_view what);
  // The answer of a Call: a body, or the failure.
  [[nodiscard]] Actions answered(std::string_view body);
  [[nodiscard]] Actions call_failed(const std::optional<ReceivedRefusal>& refusal, std::string_view what);
  [[nodiscard]] Actions woke();
  [[nodiscard]] Actions tick(bool received_something); // every kTick
  [[nodiscard]] Actions typed(std::string line);
  [[nodiscard]] Actions end_of_input(); // ends when all typed lines are answered

  [[nodiscard]] std::size_t lines_waiting() const { return lines_.size(); }

  static constexpr Millis kTick{20'000};

 private:
  enum class State : std::uint8_t {
    idle,           // before start()
    connecting,     // until opened() or handshake_failed()
    authenticating, // until authentication_success
    ready,
    waiting,     // for woke(), then connecting
    refreshing,  // for refreshed(), then connecting
    asking,      // for why()
    signing_out, // closed by our own sign-out, waiting for its answer
    finished,
  };
  struct Held {
    std::string line;
    std::string time;
    std::string gone; // the line once it is deleted
    std::string from; // the id of its author
  };
  struct Room {
    std::string epoch;
    Offset seen = 0;             // the last one shown
    std::string time;            // when it was written, by the server's clock
    Offset change = 0;           // the last change that was received
    std::map<Offset, Held> held; // lines that wait for older messages
    bool fetching = false;       // history is fetching the messages after `seen`
    bool known = false;          // was joined before
  };
  struct Pending {
    std::uint64_t id = 0;
    std::string type;
    std::string room;
    std::string text; // the command as sent
  };

  // A command about the account, until its answer.
  enum class AccountCommand : std::uint8_t { none, list, end_one, end_others, end_this, end_all };

  void show(std::string text);
  void note(std::string text);
  void finish(int status);
  void connect();
  void reconnect(std::optional<Millis> at_least = {});
  void give_up_or_reconnect();
  void handle(const ReceivedRefusal& refusal);
  void next_line();
  void say(std::string_view text);
  void command(std::string type, std::string room, json::Object members);
  void slash(std::string_view line);
  void answer_invitation(std::string_view type, std::string room);
  void show_invitations(const json::Object& object);
  void account(AccountCommand command, std::string method, std::string path);
  void sign_out(std::string_view which);
  [[nodiscard]] bool ends_here() const {
    return account_ == AccountCommand::end_this || account_ == AccountCommand::end_all;
  }
  [[nodiscard]] bool busy() const { return pending_ || !background_.empty() || account_ != AccountCommand::none; }
  void session_ends(const ReceivedRefusal* because, std::string_view what);
  void join(const std::string& room, bool again);
  void on_answer(const std::string& type, const json::Object& object);
  void on_push(const std::string& type, const json::Object& object);
  void on_error(const json::Object& object, bool answers_pending);
  void on_joined(const json::Object& object);
  void on_joined_by_server(const std::string& room, const json::Object& object);
  void on_history(const json::Object& object);
  void on_message(const std::string& room, const json::Object& message);
  void on_change(const std::string& room, const std::string& type, const json::Object& change);
  void hold(const std::string& name, Room& room, const json::Object& message);
  void release(Room& room);
  void lost_something(); // the socket did not deliver everything
  void fetch_older(const std::string& name, Room& room, Offset before);
  void ping();
  void welcome(const json::Object& object);
  [[nodiscard]] Actions done();

  ChatSettings settings_;
  std::string token_;
  Entropy& entropy_;
  Actions out_;
  State state_ = State::idle;
  std::map<std::string, Room> rooms_;
  std::vector<std::string> invitations_; // rooms, as last shown
  std::string current_;
  std::deque<std::string> lines_;
  std::optional<Pending> pending_;
  std::map<std::uint64_t, std::string> background_; // joins and fetches of our own: id → room
  AccountCommand account_ = AccountCommand::none;
  std::vector<std::string> session_ids_;          // as shown by /sessions
  std::string token_end_;                         // local time, once the server has announced the end
  bool ask_again_ = false;                        // request a new token at the next tick
  bool end_shown_ = false;                        // the end of the session has been announced
  std::optional<ReceivedRefusal> refreshing_for_; // the close that caused the request for a new token
  std::optional<ReceivedRefusal> refusal_;        // an authentication_error, before the Close
  std::optional<Millis> retry_after_;             // of `closing`
  std::uint64_t next_id_ = 1;
  int attempts_ = 0; // in a row without success
  int silent_ticks_ = 0;
  bool ever_ready_ = false;
  bool refreshed_ = false; // since the last success: the same code again means never
  bool input_ended_ = false;
  bool resend_later_ = false; // pending_ was refused with retry after; woke() resends it
};

} // namespace foyer::cli
