// Several commands in order, as batch and the lines of POST /api send them. Commands that keep their own order, as
// messages in a room do, are under way at once, so that a hundred messages wait for one commit and not for a hundred.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/call.h"
#include "api/method.h"
#include "base/json.h"

namespace foyer::api {

struct Command {
  std::string name;               // as it was sent
  const Method* method = nullptr; // null: unknown, or one that cannot be here
  json::Object request = {};
  std::string text = {}; // the JSON of `request`
};

using RunCommand = std::function<void(Command&, Completion<Answer>)>;
using Replies = std::vector<Result<Answer>>;

// `done` gets one answer for each command, on any thread.
void run_in_order(
    std::vector<Command> commands, RunCommand run, std::move_only_function<void(std::vector<Command>, Replies)> done);

} // namespace foyer::api
