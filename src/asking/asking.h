// Asking the application whether it agrees. Before a client is admitted, joins a room, writes or stays beyond the end
// of its token, an application that the configuration names may be asked. Its answer decides, and may change what
// happens.
//
//   if (application != nullptr && application->asks(Event::publish, room))
//     application->publish({.client = …, .room = room, .chat = true, .data = "hi"}, std::move(then));
//
// A refusal is one of
//   APP_REFUSED         it said no: its code and text are `detail`, for the client ("4001: sold out"), and evidence
//   APP_TIMEOUT, APP_UNAVAILABLE, APP_ANSWER_INVALID, BUSY
//                       it said nothing to be relied upon: nobody is let in, and nobody hears "no"
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/completion.h"
#include "base/http.h"
#include "base/ids.h"

namespace foyer::asking {

enum class Event : std::uint8_t { connect, refresh, subscribe, publish };
[[nodiscard]] std::string_view to_string(Event event); // as in the configuration

// What questions about one connection repeat. It is kept with the session and shared by its questions.
struct Kept {
  Headers headers = {};  // of the handshake, those that a table passes on
  std::string meta = {}; // a JSON object of the application; empty: none
};
using KeptPtr = std::shared_ptr<const Kept>; // null: nothing is kept
// With what the last answer said; nothing: as it was.
[[nodiscard]] KeptPtr with_meta(KeptPtr kept, const std::optional<std::string>& meta);

// The client that a question is about: already known by its credential.
struct Client {
  std::string id;   // of the connection, as `authentication_success` and the server API show it
  UserId user;      // never empty
  std::string name; // shown to others
  KeptPtr kept = {};
};

// A valid credential was shown; capacity has not been checked yet.
struct ConnectQuestion {
  Client client;
};
// What is absent changes nothing.
struct ConnectAnswer {
  std::optional<WallTime> expires_at = {};            // of the connection, in place of the token's end
  std::optional<std::string> name = {};               // shown to others, in place of the token's
  std::optional<std::string> scope = {};              // chat:read and chat:write, in place of the token's
  std::optional<std::vector<std::string>> rooms = {}; // more rooms, as in the claim `rooms` of a token
  std::vector<RoomName> join = {};      // rooms that the client is in from the start, joined by the server
  std::optional<std::string> meta = {}; // for Kept
};

// A session comes to its end, or its client sent a new token.
struct RefreshQuestion {
  Client client;
};
struct RefreshAnswer {
  bool expired = false;                    // the session ends
  std::optional<WallTime> expires_at = {}; // nothing: the token's end stays
  std::optional<std::string> name = {};
  std::optional<std::string> meta = {};
};

struct SubscribeQuestion {
  Client client;
  RoomName room;
};
struct SubscribeAnswer {
  std::optional<Refusal> disconnect = {};  // APP_REFUSED: no, and the connection ends with it
  std::optional<WallTime> expires_at = {}; // of the subscription
};

struct PublishQuestion {
  Client client;
  RoomName room;
  bool chat = false; // a chat message, which the application gets as {"message":"…"}
  std::string data;  // its text, or JSON
};
struct PublishAnswer {
  std::optional<Refusal> disconnect = {}; // as in SubscribeAnswer
  std::optional<std::string> data = {};   // in place of the question's, of the same kind
};

// From any thread. Every question gets one answer, later, on the control plane.
class Application {
 public:
  virtual ~Application() = default;

  // Whether an application is asked about this, in this room; cheap. `room`: of subscribe and publish.
  [[nodiscard]] virtual bool asks(Event event, std::string_view room = {}) const = 0;
  // What has to be kept of a handshake; null: nothing.
  [[nodiscard]] virtual KeptPtr keep(const Headers& handshake) const = 0;

  virtual void connect(ConnectQuestion question, Completion<ConnectAnswer> answer) = 0;
  virtual void refresh(RefreshQuestion question, Completion<RefreshAnswer> answer) = 0;
  virtual void subscribe(SubscribeQuestion question, Completion<SubscribeAnswer> answer) = 0;
  virtual void publish(PublishQuestion question, Completion<PublishAnswer> answer) = 0;
};

} // namespace foyer::asking
