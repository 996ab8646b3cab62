// Where commands are sent: to one server (connection.h) or to a cluster (cluster_commands.h).
#pragma once

#include "base/completion.h"
#include "redis/failure.h"
#include "redis/reply.h"

namespace foyer::redis {

using ReplyCompletion = Completion<Reply, Failure>;

class Commands {
 public:
  virtual ~Commands() = default;
  // Any thread. The completion runs on a thread that is the same for all commands, never before the call returns; it
  // must be short and is not to destroy this.
  virtual void send(Command command, ReplyCompletion done) = 0;

 protected:
  Commands() = default;
  Commands(const Commands&) = default;
  Commands& operator=(const Commands&) = default;
};

} // namespace foyer::redis
