// The application that is asked, over HTTP. The decisions are state machines (inquiry, breaker, memory of answers);
// this drives them: it signs, sends, waits, remembers, counts and logs.
//
// Which table is asked: the first that has the event and, for subscribe and publish, a pattern that reaches the room.
// On destruction, questions under way are dropped, unanswered. Metrics:
//   foyer_ask_questions_total{ask,event,outcome}   allowed, refused, failed
//   foyer_ask_failed_attempts_total{ask,cause}
//   foyer_ask_remembered_total{ask}                answered from memory
//   foyer_ask_seconds{ask}                         of a question, with all attempts
//   foyer_ask_breaker_state{ask}                   0 closed, 1 open, 2 trying
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "asking/asking.h"
#include "asking/policy.h"
#include "auth/breaker.h"
#include "auth/transport.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"

namespace foyer::asking {

// Everything outlives the asker.
struct AskerDeps {
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  Metrics& metrics;
  Executor& control;
  std::string user_agent;
};

// A table, and the connections to its server.
struct Server {
  Table table;
  std::string target; // path and query of its URL
  std::string key;    // of its secret
  std::unique_ptr<auth::Transport> transport;
};

class Asker final : public Application {
 public:
  Asker(AskerDeps deps, std::vector<Server> servers);
  ~Asker() override; // on the control plane, or after its end
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  [[nodiscard]] bool asks(Event event, std::string_view room) const override;
  [[nodiscard]] KeptPtr keep(const Headers& handshake) const override;
  void connect(ConnectQuestion question, Completion<ConnectAnswer> answer) override;
  void refresh(RefreshQuestion question, Completion<RefreshAnswer> answer) override;
  void subscribe(SubscribeQuestion question, Completion<SubscribeAnswer> answer) override;
  void publish(PublishQuestion question, Completion<PublishAnswer> answer) override;

  struct Status {
    std::string name; // of the table
    auth::BreakerStatus breaker;
  };
  [[nodiscard]] std::vector<Status> status() const; // any thread; for /health/ready

 private:
  struct Desk;
  struct Inside;
  std::shared_ptr<Inside> inside_;
};

} // namespace foyer::asking
