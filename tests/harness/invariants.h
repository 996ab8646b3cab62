// What docs/protocol.md promises ("Guarantees"), watched from outside: everything that clients say and
// hear goes through here, whatever the test is about.
//
//   - one content per room, epoch and offset, whoever tells it;
//   - a listener hears a room's messages in order, without a gap or a repeat; a gap is followed
//     by a close or by an honest `recovered:false`;
//   - `recovered:true` brings all that was missed, and is said only to a client whose history is the room's;
//   - when all is at rest, whoever is in a room has heard everything that was acknowledged in it.
//
// A client is named by who it is: a name that connects again is the same client, with what it
// knows. A test that puts an old state of the data back says so with went_back(); what was
// acknowledged beyond it may then be missing, but nobody may be told otherwise.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace foyer::harness {

class Invariants {
 public:
  void said(const std::string& who, std::string_view text);  // a text message to the server
  void heard(const std::string& who, std::string_view text); // and from it
  void ended(const std::string& who);                        // its connection
  void deaf(const std::string& who);                         // it does not read any more: nothing is expected of it
  // The data is as it was when these were the heads; a history that is not among them is gone.
  using History = std::pair<std::string, std::string>; // room, epoch
  using Heads = std::map<History, std::int64_t>;
  void went_back(const Heads& heads);
  // Everything that was sent has arrived: what is missing now is missing.
  void at_rest();

  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
  [[nodiscard]] std::size_t messages() const { return messages_; } // looked at

 private:
  struct Content {
    std::string author, time;        // empty: not told by this message
    std::optional<std::string> text; // none: deleted, or not told
    bool deleted = false;
    [[nodiscard]] bool contradicts(const Content& other) const;
    void add(const Content& other);
    [[nodiscard]] std::string words() const;
  };
  struct Since {
    std::string epoch;
    std::int64_t offset = 0;
  };
  struct Join {
    std::optional<std::int64_t> id;
    std::optional<Since> since;
  };
  struct Truth {
    std::map<std::int64_t, Content> contents;
    std::set<std::int64_t> acknowledged;
    std::map<std::int64_t, std::vector<Content>> superseded; // by a history that went back
  };
  struct Seat { // of a client in a room
    bool live = false;
    bool catching_up = false; // the rest of a recovery comes by `history`
    std::string epoch;
    std::int64_t last = 0;
    std::string gap; // not empty: what was missed, and not made good yet
    std::int64_t gap_after = 0;
    std::deque<Join> joins;                                        // not answered yet
    std::map<std::pair<std::string, std::int64_t>, Content> known; // by epoch and offset
  };
  struct Client {
    std::map<std::string, Seat> seats;
    std::map<std::int64_t, std::string> chats; // by id: what was said or published
    bool open = true;
    bool deaf = false;
  };

  void fault(const std::string& who, std::string_view what, std::string_view text);
  void know(
      const std::string& who, Seat& seat, const std::string& room, const json::Object& row, std::string_view text);
  void learn(const std::string& who, const History& history, std::int64_t offset, const Content& content,
      std::string_view text);
  void joined(const std::string& who, const std::string& room, const json::Object& message, std::string_view text);
  void recovered(const std::string& who, Seat& seat, const std::string& room, const std::optional<Since>& since,
      const json::Object& message, std::string_view text);
  void message(const std::string& who, const std::string& room, const json::Object& message, std::string_view text);
  void sent(const std::string& who, const std::string& room, const json::Object& message, std::string_view text);
  void history(const std::string& who, const std::string& room, const json::Object& message, std::string_view text);
  void refused(const std::string& who, const json::Object& message);
  void deleted(const std::string& room, std::int64_t offset);

  std::map<std::string, Client> clients_;
  std::map<History, Truth> truths_;
  std::vector<std::string> faults_;
  std::size_t messages_ = 0;
};

} // namespace foyer::harness
