// Reads, on a thread and a connection of its own, what nodes do to a PostgreSQL database: which rooms changed and which
// rights were taken away, and whatever else has a TailSource. It reads at least every `every`, and at once when another
// node says (NOTIFY) that it has committed something.
//
// A notification is sent after commits, by this connection, one for all that were committed meanwhile; a lost one costs
// `every`. After a new connection everything is read anew: the server may be another one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/room_log.h"
#include "store/connection.h"
#include "store/database.h"

namespace foyer::engine {

// Something else that nodes read from the database in each round. Used by the tail's thread.
class TailSource {
 public:
  virtual ~TailSource() = default;
  // On a new connection: what was read before says nothing about what comes now.
  virtual void began_anew() = 0;
  // One statement or a few, outside a transaction. A refusal ends the connection.
  [[nodiscard]] virtual Result<void> read(store::Database& db, MonoTime now) = 0;
};

struct NodeTailOptions {
  Millis every{100};
  std::string channel = "foyer_committed";      // of the notifications
  std::shared_ptr<store::Reached> reached = {}; // shared with other connections to that server
};

class NodeTail {
 public:
  // Its thread begins with start(). The references must outlive it.
  NodeTail(store::Opener opener, NodeTailOptions options, const Clock& clock, Metrics& metrics, Log& log);
  ~NodeTail();
  NodeTail(const NodeTail&) = delete;
  NodeTail& operator=(const NodeTail&) = delete;

  void add(std::shared_ptr<TailSource> source); // before start()
  // `watch` may change until then: it is read in each round.
  void start(std::function<std::shared_ptr<const LogWatch>()> watch);
  // This node has committed something that others read: they are told. Any thread; returns at once.
  void committed();
  // How long a transaction has been held open on the server (held_back.h); 0: not for long. Any thread.
  [[nodiscard]] Millis held_open() const;
  [[nodiscard]] const std::shared_ptr<store::Reached>& reached() const; // of the options
  void stop();                                                          // waits for the round in progress

 private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace foyer::engine
