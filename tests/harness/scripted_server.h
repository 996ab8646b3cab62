// The same scripted auth service as another process: behind HTTP, in weather that the
// test makes. What it says is ScriptedAuth's; whether, when and in what shape it
// arrives is the network's (auth/testing/client_world.h has all the faults).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "auth/testing/client_world.h"
#include "base/manual_executor.h"
#include "harness/scripted_auth.h"

namespace foyer::harness {

class ScriptedServer {
 public:
  // `facts`: whom it says it is when a gateway compares, with the time of the clock.
  ScriptedServer(ManualClock& clock, ScriptedAuth& auth, auth::ChallengeAnswer facts);

  [[nodiscard]] auth::Transport& transport() { return server_; }
  // "refuses connections", "hangs", "answers 503", "is well", …, for good or, with
  // "2 times" behind it, for the next questions. False: no such words.
  bool set_weather(std::string_view words);
  // True if there was something to do.
  bool run() { return executor_.run_timer(); }

 private:
  using Reply = auth::testing_world::VirtualServer::Reply;
  struct Poll { // a question for revocations that waits for some
    std::int64_t after = 0;
    Reply reply;
    TimerId timer = 0;
  };
  void serve(const Request& request, Reply reply);
  void verify(const json::Object& body, const Request& request, Reply reply);
  void people(const json::Object& body, Reply reply);
  void poll(const json::Object& body, Reply reply);
  void challenge(const json::Object& body, Reply reply) const;
  [[nodiscard]] json::Object events_after(std::int64_t cursor) const;
  void answer_polls();
  void connections_end();

  ManualExecutor executor_;
  auth::testing_world::VirtualServer server_;
  ManualClock& clock_;
  ScriptedAuth& auth_;
  const auth::ChallengeAnswer facts_;
  std::vector<auth::RevocationEvent> events_;
  std::vector<Poll> polls_;
};

} // namespace foyer::harness
