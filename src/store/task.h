// A piece of work on a database and the callback for its answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/completion.h"
#include "store/database.h"

namespace foyer::store {

class Task {
 public:
  explicit Task(std::string about = {}) : about_(std::move(about)) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  // What the task changes, by name; empty: not said.
  [[nodiscard]] const std::string& about() const { return about_; }
  // Does the work and stores the result; a failed task stores its refusal.
  // May be called again when the transaction was undone: a job must be repeatable.
  [[nodiscard]] virtual const Refusal* work(Database& database) = 0;
  virtual void answer() = 0;                        // after work(), once it is durable
  virtual void refuse_with(const Refusal& why) = 0; // in place of answer(): nothing of this task happened

 private:
  const std::string about_;
};

// `done` is called on the database's thread: must be short.
template <class T, class Job>
class TypedTask final : public Task {
 public:
  TypedTask(Job job, Completion<T> done, std::string about = {})
      : Task(std::move(about)),
        job_(std::move(job)),
        done_(std::move(done)) {}
  const Refusal* work(Database& database) override {
    result_.emplace(job_(database));
    return result_->has_value() ? nullptr : &result_->error();
  }
  void answer() override { done_(std::move(*result_)); }
  void refuse_with(const Refusal& why) override { done_(Result<T>(std::unexpected(why))); }

 private:
  Job job_;
  Completion<T> done_;
  std::optional<Result<T>> result_;
};

} // namespace foyer::store
