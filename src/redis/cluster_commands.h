// Commands to a cluster: each goes to the primary that has its key, over one connection per primary.
//
// A redirection is followed: after MOVED at the new primary, after ASK once at the node that was named. A command whose
// keys are on two nodes while their slot moves (TRYAGAIN) is sent again until its time is over. Commands of one slot
// are carried out in the order of the calls, unless a connection ends between them. Those without a key go to the
// primary of slot 0. PUBLISH is sent as SPUBLISH: to those who listen with SSUBSCRIBE in that shard.
//
// All connections share a thread.
#pragma once

#include <memory>

#include "redis/cluster.h"
#include "redis/commands.h"
#include "redis/connection.h"

namespace foyer::redis {

inline constexpr int kMostRedirects = 8; // of one command

// Whose slot a command goes to: of its first key or its channel; of EVAL and EVALSHA their first key.
[[nodiscard]] Slot slot_of_command(const Command& command);

class ClusterCommands final : public Commands {
 public:
  // `server`: how to log in, and the scripts to load; its host does not count. `watch`: of each of the connections.
  ClusterCommands(
      std::shared_ptr<Cluster> cluster, Server server, Policy policy, Entropy& entropy, ConnectionWatch watch = {});
  ~ClusterCommands() override; // what has no reply yet fails with `closed`
  ClusterCommands(const ClusterCommands&) = delete;
  ClusterCommands& operator=(const ClusterCommands&) = delete;

  void send(Command command, ReplyCompletion done) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace foyer::redis
