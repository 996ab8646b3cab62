#include "api/sequence.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace foyer::api {
namespace {

struct Sequence : std::enable_shared_from_this<Sequence> {
  std::vector<Command> commands = {};
  RunCommand run = {};
  std::move_only_function<void(std::vector<Command>, Replies)> done = {};
  Replies replies = {};
  std::size_t next = 0; // used by whoever brought `under_way` to zero
  std::atomic<std::size_t> under_way = 0;

  [[nodiscard]] bool keeps_order(std::size_t at) const {
    const Command& command = commands[at];
    return command.method != nullptr && command.method->keeps_order && !asks_first(command.request);
  }
  // A call with an idempotency key asks the store before it begins: nothing may overtake it.
  [[nodiscard]] static bool asks_first(const json::Object& request) {
    return std::ranges::any_of(request, [](const auto& member) { return iequals(member.key(), "idempotency_key"); });
  }

  void go() {
    for (;;) {
      if (next == commands.size()) return done(std::move(commands), std::move(replies));
      const std::size_t first = next++;
      if (keeps_order(first))
        while (next < commands.size() && keeps_order(next)) ++next;
      const std::size_t end = next;
      under_way = end - first + 1; // this function is the one more
      for (std::size_t i = first; i < end; ++i)
        run(commands[i], [self = shared_from_this(), i](Result<Answer> answer) {
          self->replies[i] = std::move(answer);
          if (self->under_way.fetch_sub(1) == 1) self->go();
        });
      if (under_way.fetch_sub(1) > 1) return; // the last answer goes on
    }
  }
};

} // namespace

void run_in_order(
    std::vector<Command> commands, RunCommand run, std::move_only_function<void(std::vector<Command>, Replies)> done) {
  const auto sequence = std::make_shared<Sequence>();
  sequence->replies.assign(commands.size(), Answer{});
  sequence->commands = std::move(commands);
  sequence->run = std::move(run);
  sequence->done = std::move(done);
  sequence->go();
}

} // namespace foyer::api
