// Confirms many rooms at once, for one of several gateways: those that are asked for while a transaction is under way
// share the next one, which reads them all in one statement.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/completion.h"
#include "engine/sql/writes.h"
#include "store/writer.h"

namespace foyer::engine {

class Confirms {
 public:
  explicit Confirms(Writes& writes) : writes_(writes) {} // which the writer's thread uses

  // Any thread. As RoomLog::confirm.
  void ask(store::Writer& writer, RoomName room, Known known, Completion<RoomRow> done);

 private:
  struct Question {
    Confirmation what;
    Completion<RoomRow> done;
  };
  using Questions = std::vector<Question>; // of one transaction
  using Answers = std::vector<Result<RoomRow>>;
  [[nodiscard]] Result<Answers> answer(store::Database& db, Questions& questions);
  void answered(Questions questions, Result<Answers> answers);

  Writes& writes_;
  std::mutex mutex_;
  Questions waiting_;
  bool asked_ = false; // a job will take what waits
};

} // namespace foyer::engine
