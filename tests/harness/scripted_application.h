// An application that is asked and answers as it is told. It stands for a program outside, behind the interface that
// the server asks through. Every event that `given asks connect,refresh` names is asked; an event without an answer of
// its own is allowed with nothing changed.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "asking/asking.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/json.h"

namespace foyer::harness {

class ScriptedApplication {
 public:
  // `events`: "connect,refresh"; empty: nothing is asked.
  ScriptedApplication(const Clock& clock, std::string_view events);

  // For one process; null if nothing is asked. `control`: where the answers come.
  [[nodiscard]] std::unique_ptr<asking::Application> for_process(Executor& control);

  // From now on. `result`: name, scope, rooms, join, meta, expires_in (seconds; 0: never), expired, data (a text for a
  // chat message), as the event has them.
  void answers(const std::string& event, json::Object result);
  void refuses(const std::string& event, Refusal refusal);
  void hang();  // questions wait
  void go_on(); // and are answered

  // The oldest question that was not taken yet, as JSON; empty: none.
  [[nodiscard]] std::string take_question();
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  class Asked;
  template <class Answer>
  void ask(Executor& control, asking::Event event, const asking::Client& client, Completion<Answer> done,
      const json::Object& more = {});
  template <class Answer>
  [[nodiscard]] Result<Answer> answer_to(const std::string& event) const;

  const Clock& clock_;
  std::vector<std::string> events_;
  std::map<std::string, Result<json::Object>> answers_;
  std::deque<std::string> questions_;
  bool hangs_ = false;
  std::vector<std::move_only_function<void()>> waiting_;
};

} // namespace foyer::harness
