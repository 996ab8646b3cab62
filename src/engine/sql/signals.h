// What nodes tell each other through PostgreSQL alone: short messages that nobody needs later, such as who is typing,
// who came and went, and what an application wants done to connections.
//
// They are rows of an unlogged table: a commit waits for no disk, and a crash of the server empties the table. What is
// sent while a transaction is under way goes into the next one, so a busy node commits often and writes much at once.
// Each node reads the rows of the others (commit_tail.h), and old ones are deleted.
//
// A sender numbers its rows. By the numbers a reader delivers each row once and in order, although it may see it
// twice, and notices when one is missing. Lost: what could not be written, and what was written while this node could
// not read.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limit_metrics.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/control_bus.h"
#include "engine/sql/commit_tail.h"
#include "engine/sql/node_tail.h"
#include "store/postgres.h"
#include "store/writer.h"

namespace foyer::engine {

inline constexpr std::size_t kMostSignalBytes = 1024 * 1024;            // of one; a larger one is not sent
inline constexpr std::size_t kMostSignalBytesWaiting = 8 * 1024 * 1024; // to be written by this node; then none is sent
inline constexpr std::size_t kSignalRowBytes = 64 * 1024;               // a row with more takes no further ones
inline constexpr std::size_t kMostSignalRows = 50'000; // of all nodes, in the table; older ones are deleted early
inline constexpr std::size_t kMostSenders = 1'000;     // that are remembered; of more, nothing is delivered
inline constexpr Millis kSignalTrim{5'000};            // between two deletions

enum class SignalKind : std::uint8_t { canary = 1, event = 2, control = 3 }; // numbers of the form, for ever

struct SignalOptions {
  NodeId node;                                  // this one
  std::function<void()> committed = {};         // others have something to read now; on the writer's thread
  Executor* executor = nullptr;                 // of the writer; null: a thread
  std::shared_ptr<store::Reached> reached = {}; // shared with other connections to that server
};

class Signals final : public TailSource {
 public:
  // The references must outlive it. `writing` migrates.
  [[nodiscard]] static Result<std::unique_ptr<Signals>> open(
      store::Opener writing, SignalOptions options, const Clock& clock, Metrics& metrics, Log& log);
  ~Signals() override; // writes what waits

  [[nodiscard]] const NodeId& node() const { return node_; }
  // For other jobs that wait for no disk.
  [[nodiscard]] store::Writer& writer() { return *writer_; }
  // Any thread; signals of one thread arrive in the order of its calls. `to`: one node; nothing: all others. False: no
  // room for it, and nothing is sent.
  bool send(SignalKind kind, const std::optional<NodeId>& to, std::string_view bytes);

  struct Receiver {
    std::function<void(std::string_view bytes)> received = {};
    std::function<void()> lost = {}; // some were lost, of whatever kind
  };
  // On the thread that reads. An empty receiver ends it: when the call returns, the earlier one is not used any more.
  void receive(SignalKind kind, Receiver receiver);

  void began_anew() override { tail_.forget(); }
  [[nodiscard]] Result<void> read(store::Database& db, MonoTime now) override;

  struct Heard {
    NodeId node;
    std::uint64_t number = 0; // of its last row
    MonoTime at{};            // when that arrived
  };
  [[nodiscard]] std::vector<Heard> heard() const; // other nodes; any thread

  struct Counts {
    std::atomic<std::uint64_t> unsent{0};     // signals for which there was no room, or no database
    std::atomic<std::uint64_t> unreadable{0}; // rows and signals of another form
    std::atomic<std::uint64_t> lost{0};       // how often some were missing
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  void note_unreadable() { ++counts_.unreadable; } // for receivers

 private:
  struct Row {
    std::uint64_t number = 0; // given when it is written
    std::size_t signals = 0;
    std::string bytes = {};
  };
  struct Sender {
    std::uint64_t last = 0;
    MonoTime at{};   // when its last row arrived
    MonoTime seen{}; // when a row was seen last
  };
  struct Found {
    std::string sender;
    std::uint64_t number = 0;
    std::string bytes;
  };
  Signals(SignalOptions options, const Clock& clock, Metrics& metrics);
  [[nodiscard]] Result<void> start(store::Opener writing, store::WriterOptions options, Metrics& metrics, Log& log);
  using Rows = std::deque<Row>; // of one transaction
  [[nodiscard]] Result<bool> write(store::Database& db, Rows& rows);
  void written(const Rows& rows, const Result<bool>& done);
  [[nodiscard]] Result<bool> trim(store::Database& db);
  [[nodiscard]] bool is_next(const Found& row, MonoTime now, bool& lost);
  void deliver(const Found& row);
  void tell_lost();

  const NodeId node_;
  const std::function<void()> committed_;
  const Clock& clock_;
  LimitMeter meter_; // of bytes_
  Counter& unsent_;  // the same as in counts_
  Counter& lost_;    // likewise
  Counts counts_;

  std::mutex mutex_;         // what waits to be written
  Rows waiting_;             // the last one may still grow
  std::size_t bytes_ = 0;    // in these, and in those that are being written
  bool asked_ = false;       // a job of the writer will take what waits
  std::uint64_t number_ = 0; // of the last row

  std::mutex receiving_; // held while a receiver runs
  std::map<SignalKind, Receiver> receivers_;

  CommitTail tail_; // used by the thread that reads
  bool began_ = false;
  mutable std::mutex senders_mutex_;
  std::map<std::string, Sender> senders_;

  TailTrim trim_;                         // used by the writer's thread
  std::unique_ptr<store::Writer> writer_; // last: its thread ends first
};

// On a server that has the chat store open.
[[nodiscard]] Result<std::unique_ptr<Signals>> open_postgres_signals(
    store::PostgresOptions server, SignalOptions options, const Clock& clock, Metrics& metrics, Log& log);

} // namespace foyer::engine
