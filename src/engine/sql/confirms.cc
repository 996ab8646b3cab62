#include "engine/sql/confirms.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace foyer::engine {

void Confirms::ask(store::Writer& writer, RoomName room, Known known, Completion<RoomRow> done) {
  {
    const std::lock_guard held(mutex_);
    waiting_.push_back({.what = {std::move(room), std::move(known)}, .done = std::move(done)});
    if (std::exchange(asked_, true)) return;
  }
  const auto questions = std::make_shared<Questions>();
  writer.submit<Answers>([this, questions](store::Database& db) { return answer(db, *questions); },
      [this, questions](Result<Answers> all) { answered(std::move(*questions), std::move(all)); });
}

// It may run again after a conflict, with the same questions.
Result<Confirms::Answers> Confirms::answer(store::Database& db, Questions& questions) {
  if (questions.empty()) {
    const std::lock_guard held(mutex_);
    asked_ = false;
    questions = std::exchange(waiting_, {});
  }
  std::vector<Confirmation> all;
  for (const Question& question : questions) all.push_back(question.what);
  const auto job = [&all](Writes& writes, store::Database& on) { return writes.confirm_all(on, all); };
  return writes_.run<Answers>(db, job);
}

void Confirms::answered(Questions questions, Result<Answers> answers) {
  if (!answers) {
    const std::lock_guard held(mutex_);
    asked_ = false;
    std::ranges::move(std::exchange(waiting_, {}), std::back_inserter(questions));
  }
  for (std::size_t i = 0; i < questions.size(); ++i)
    questions[i].done(answers ? std::move((*answers)[i]) : std::unexpected(answers.error()));
}

} // namespace foyer::engine
