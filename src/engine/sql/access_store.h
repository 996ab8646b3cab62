// Who may use the server, in the database of the chat: engine/api_keys.h, subject_endings.h and call_records.h over a
// writer and a reader. It is a part of the chat store (chat_store.h); opened alone it works beside a running server,
// for commands.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/api_keys.h"
#include "engine/call_records.h"
#include "engine/sql/call_log.h"
#include "engine/sql/hook_writes.h"
#include "engine/subject_endings.h"
#include "store/postgres.h"
#include "store/reader.h"
#include "store/writer.h"

namespace foyer::engine {

class AccessStore : public ApiKeys, public SubjectEndings, public CallRecords {
 public:
  AccessStore(store::Writer& writer, store::Reader& reader, const Clock& clock,
      std::atomic<std::uint64_t>* recorded = nullptr, HookWrites* events = nullptr, CallLog* calls = nullptr)
      : writer_(writer),
        reader_(reader),
        clock_(clock),
        recorded_(recorded),
        events_(events),
        message_calls_(calls) {}

  void add_api_key(ApiKeyRow key, Completion<bool> done) override;
  void rotate_api_key(
      std::string name, ApiSecret fresh, std::optional<WallTime> old_ends, Completion<ApiKeyRow> done) override;
  void set_api_key_rights(std::string name, std::vector<std::string> rights, Completion<ApiKeyRow> done) override;
  void drop_old_api_secrets(std::string name, Completion<ApiKeyRow> done) override;
  void disable_api_key(std::string name, std::optional<WallTime> since, Completion<bool> done) override;
  void api_keys_since(std::string version, Completion<std::optional<ApiKeyList>> done) override;
  void note_api_key_uses(std::vector<ApiKeyUse> uses, Completion<bool> done) override;

  void put_ending(Ending ending, Completion<bool> done) override;
  void lift_block(std::string user, Completion<bool> done) override;
  void endings_after(std::uint64_t after, std::size_t limit, Completion<EndingPage> done) override;

  void find_call(CallKey key, Completion<std::optional<StoredCall>> done) override;
  void begin_call(CallKey key, std::string body_hash, Completion<std::optional<StoredCall>> done) override;
  void finish_call(CallKey key, std::string body_hash, std::string answer, Completion<bool> done) override;
  void forget_call(CallKey key, Completion<bool> done) override;

 private:
  store::Writer& writer_;
  store::Reader& reader_;
  const Clock& clock_;
  std::atomic<std::uint64_t>* const recorded_; // counts the calls that are recorded; may be null
  HookWrites* const events_;                   // hear of users who are blocked; may be null
  CallLog* const message_calls_;               // used by the writer; null: there is none
};

// With connections of its own. Takes none of the locks of a chat store, so that a server may run beside it.
class OpenAccess {
 public:
  OpenAccess(std::unique_ptr<store::Writer> writer, std::unique_ptr<store::Reader> reader, const Clock& clock)
      : writer_(std::move(writer)),
        reader_(std::move(reader)),
        store_(*writer_, *reader_, clock) {}
  [[nodiscard]] AccessStore& store() { return store_; }

 private:
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<store::Reader> reader_;
  AccessStore store_;
};

// Must outlive what is opened.
struct AccessDeps {
  const Clock& clock;
  Metrics& metrics;
  Log& log;
  Executor& executor; // everything runs there (store/lane.h)
};
// The file is created if it is absent. STORE_TOO_NEW, DATA_UNWRITABLE and the causes of store/sqlite.h.
[[nodiscard]] Result<std::unique_ptr<OpenAccess>> open_sqlite_access(const std::string& path, const AccessDeps& deps);
// The causes of store/postgres.h.
[[nodiscard]] Result<std::unique_ptr<OpenAccess>> open_postgres_access(
    store::PostgresOptions server, const AccessDeps& deps);

} // namespace foyer::engine
