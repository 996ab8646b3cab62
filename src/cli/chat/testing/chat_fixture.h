// For tests of the terminal client: a session, what the server says to it, and what it then does, in words.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "cli/chat/chat_session.h"

namespace foyer::cli {

// One word and its text for each action; waits are jittered, so only their presence is shown.
inline std::vector<std::string> performed(Actions actions) {
  struct Words {
    std::string operator()(const act::Connect&) const { return "connect"; }
    std::string operator()(const act::Send& a) const { return "send " + a.text; }
    std::string operator()(const act::Drop&) const { return "drop"; }
    std::string operator()(const act::Leave&) const { return "leave"; }
    std::string operator()(const act::Show& a) const { return "show " + a.text; }
    std::string operator()(const act::Note&) const { return "note"; }
    std::string operator()(const act::Wake&) const { return "wake"; }
    std::string operator()(const act::Refresh&) const { return "refresh"; }
    std::string operator()(const act::Call& a) const { return "call " + a.method + " " + a.path; }
    std::string operator()(const act::AskWhy&) const { return "ask why"; }
    std::string operator()(const act::Finish& a) const { return "finish " + std::to_string(a.status); }
  };
  std::vector<std::string> out;
  for (const Action& action : actions) out.push_back(std::visit(Words{}, action));
  return out;
}

// The text of all notes, a line each.
inline std::string notes(const Actions& actions) {
  std::string out;
  for (const Action& action : actions)
    if (const auto* note = std::get_if<act::Note>(&action)) out += note->text + "\n";
  return out;
}

inline const std::string kWelcome =
    R"({"type":"authentication_success","user":{"id":"u1","name":"alice"},"connection":"c"})";

// A message of bob in tea, as it stands in a list; as an event; and the answer to a join of tea.
inline std::string message(int offset, const std::string& text) {
  return R"({"room":"tea","epoch":"e1","offset":)" + std::to_string(offset) +
      R"(,"from":{"id":"b","name":"bob"},"message":")" + text + R"(","time":"x"})";
}
inline std::string pushed(int offset, const std::string& text) {
  return R"({"type":"message",)" + message(offset, text).substr(1);
}
inline std::string joined(
    int id, int offset, bool recovered, const std::string& messages, const std::string& epoch = "e1") {
  return R"({"type":"joined","id":)" + std::to_string(id) + R"(,"room":"tea","kind":"public","epoch":")" + epoch +
      R"(","offset":)" + std::to_string(offset) + R"(,"recovered":)" + (recovered ? "true" : "false") +
      R"(,"messages":[)" + messages + R"(],"more":true,"members":[],"member_count":1})";
}

class Chat : public testing::Test {
 protected:
  FixedEntropy entropy;
  ChatSession session{{.rooms = {"tea"}, .can_refresh = true}, "t0", entropy};

  // Connected, in the room tea at offset 2.
  void in_tea() {
    (void)session.start();
    (void)session.opened();
    (void)session.received(kWelcome);
    (void)session.received(joined(1, 2, false, message(1, "one") + "," + message(2, "two")));
  }
  // The connection is lost, and the next one has just been opened.
  void reconnected() {
    (void)session.closed(1006, "");
    (void)session.woke();
    (void)session.opened();
  }
};

} // namespace foyer::cli
