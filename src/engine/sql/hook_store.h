// Webhooks in the database of the chat: engine/hooks.h over a writer and a reader. Within the chat store it is hooks
// and outbox (chat_store.h); opened alone, it manages hooks beside a running server, for commands.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/hooks.h"
#include "engine/sql/duty.h"
#include "engine/sql/hook_writes.h"
#include "store/postgres.h"
#include "store/reader.h"
#include "store/writer.h"

namespace foyer::engine {

class HookStore : public Hooks {
 public:
  HookStore(store::Writer& writer, store::Reader& reader, const Clock& clock, Entropy& entropy)
      : writer_(writer),
        reader_(reader),
        clock_(clock),
        entropy_(entropy) {}

  void add_hook(HookRow hook, Completion<bool> done) override;
  void rotate_hook(std::string id, std::string sealed, Completion<bool> done) override;
  void disable_hook(std::string id, std::optional<WallTime> since, std::string why, Completion<bool> done) override;
  void remove_hook(std::string id, Completion<bool> done) override;
  void hooks_since(std::string version, Completion<std::optional<HookList>> done) override;
  void dead_letters(
      std::string hook, std::uint64_t after, std::size_t limit, Completion<std::vector<DeadLetter>> done) override;
  void replay(std::string hook, std::vector<std::string> ids, Completion<std::uint64_t> done) override;
  void test_hook(std::string hook, Completion<std::string> done) override;

 private:
  store::Writer& writer_;
  store::Reader& reader_;
  const Clock& clock_;
  Entropy& entropy_;
};

class OutboxStore final : public HookOutbox {
 public:
  // `events`, `duty`: of the same writer. Only the process with the duty sends.
  OutboxStore(store::Writer& writer, store::Reader& reader, HookWrites& events, const Duty& duty, const Clock& clock,
      Entropy& entropy)
      : writer_(writer),
        reader_(reader),
        events_(events),
        duty_(duty),
        clock_(clock),
        entropy_(entropy) {}

  void refresh_hooks(Completion<bool> done) override;
  void put_events(std::vector<NewHookEvent> events, Completion<bool> done) override;
  [[nodiscard]] bool wants_events(std::string_view type) const override;
  [[nodiscard]] bool sends() const override { return duty_.ours(); }
  void watch_outbox(std::function<void()> written) override;
  void waiting(std::string hook, std::optional<std::string> room, std::uint64_t after, std::size_t limit,
      Completion<std::vector<HookEvent>> done) override;
  void sent(std::string hook, std::vector<std::uint64_t> numbers, Completion<bool> done) override;
  void bury(
      std::string hook, std::uint64_t number, std::uint32_t tries, std::string why, Completion<bool> done) override;
  void trim(std::string hook, HookLimits limits, Completion<std::uint64_t> done) override;

  // Events were committed, or this process sends from now on. Any thread.
  void written();
  // Moves what has arrived to the outbox, if this process sends. Any thread.
  void move_arrived();

 private:
  store::Writer& writer_;
  store::Reader& reader_;
  HookWrites& events_; // used by the writer's thread
  const Duty& duty_;
  const Clock& clock_;
  Entropy& entropy_;
  std::mutex mutex_;
  std::shared_ptr<const std::function<void()>> watcher_;
};

// Hooks alone, with connections of their own. Takes none of the locks of a chat store, so that a server may run beside.
class OpenHooks {
 public:
  OpenHooks(std::unique_ptr<store::Writer> writer, std::unique_ptr<store::Reader> reader, const Clock& clock,
      Entropy& entropy)
      : writer_(std::move(writer)),
        reader_(std::move(reader)),
        store_(*writer_, *reader_, clock, entropy) {}
  [[nodiscard]] Hooks& hooks() { return store_; }

 private:
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Reader> reader_;
  HookStore store_;
};

// Must outlive what is opened.
struct HookStoreDeps {
  const Clock& clock;
  Entropy& entropy;
  Metrics& metrics;
  Log& log;
  Executor& executor; // everything runs there (store/lane.h)
};
// The file is created if it is absent. STORE_TOO_NEW, DATA_UNWRITABLE and the causes of store/sqlite.h.
[[nodiscard]] Result<std::unique_ptr<OpenHooks>> open_sqlite_hooks(const std::string& path, const HookStoreDeps& deps);
// The causes of store/postgres.h.
[[nodiscard]] Result<std::unique_ptr<OpenHooks>> open_postgres_hooks(
    store::PostgresOptions server, const HookStoreDeps& deps);

} // namespace foyer::engine
