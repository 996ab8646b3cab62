// Commands to one server over one connection, pipelined: what is sent at one moment leaves in one write, and each
// command gets its reply in the order of sending.
//
//   Connection redis({.url = *parse_server_url("redis://127.0.0.1")}, {}, system_entropy());
//   redis.send({"GET", "key"}, [](std::expected<Reply, Failure> r) { … });
//
// A command is sent at most once. While the connection is being made, commands wait for it; when an attempt has failed,
// they fail at once with what it failed with, until the next one succeeds. An error of the server is a Failure; errors
// inside an array are Replies. A command whose script the server does not know (script.h) ends the connection: what was
// sent after it may not be carried out before it.
#pragma once

#include <functional>
#include <memory>

#include "exec/control.h"
#include "redis/commands.h"
#include "redis/policy.h"

namespace foyer::redis {

// What the owner learns, on the connection's thread; maybe before the constructor has returned.
struct ConnectionWatch {
  std::function<void()> opened = {};             // at every login, before commands that waited for it are written
  std::function<void(const Failure&)> lost = {}; // an attempt failed, or the connection ended
};

class Connection final : public Commands {
 public:
  // With a thread of its own.
  Connection(Server server, Policy policy, Entropy& entropy, ConnectionWatch watch = {});
  // On that thread, which has others, too: it is made and destroyed there, or when the thread has stopped.
  Connection(Server server, Policy policy, Entropy& entropy, ConnectionWatch watch, exec::ControlPlane& plane);
  ~Connection() override; // what has no reply yet fails with `closed`
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Any thread. The completion runs on the connection's thread, never before the call returns; it must be short and is
  // not to destroy the connection.
  void send(Command command, ReplyCompletion done) override;
  void send_asking(Command command, ReplyCompletion done); // with ASKING just before it (redirect.h)

  [[nodiscard]] std::size_t waiting() const; // commands whose completion has not returned
  [[nodiscard]] bool open() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace foyer::redis
