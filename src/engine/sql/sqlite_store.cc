#include "engine/sql/sqlite_store.h"

#include <unistd.h>

#include <utility>

#include "engine/sql/database_store.h"
#include "engine/sql/sqlite_schema.h"
#include "store/examine.h"
#include "store/file.h"
#include "store/sqlite.h"

namespace foyer::engine {

Result<std::unique_ptr<ChatStore>> open_sqlite_store(const std::string& path, SqliteStoreOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  const store::OpenOptions database{.survive_power_loss = options.survive_power_loss,
      .busy_timeout = options.busy_timeout,
      .max_pages = options.max_pages,
      .vfs = options.vfs};
  TRY(lock, store::FileLock::take(path + ".lock", Cause::CHAT_STORE_IN_USE));
  // The lock is held as long as the store's writer, which owns its opener.
  auto writing = [held = std::make_shared<store::FileLock>(std::move(lock)),
                     open = store::sqlite_writer(path, database, {"chat", kChatSchema})] { return open(); };
  DatabaseStoreOptions common{.policy = options.policy,
      .of_a_file = true,
      .witness = std::move(options.witness),
      .answering = std::move(options.answering),
      .executor = options.executor};
  return open_database_store(
      std::move(writing), store::sqlite_reader(path, database), std::move(common), clock, entropy, metrics, log);
}

Result<void> mark_as_copy(const std::string& path) {
  TRY(db, store::open_sqlite(path, {.access = store::Access::read_write}));
  return mark_as_copy(*db);
}

Result<bool> examine_sqlite_store(const std::string& path) {
  const std::string lock = path + ".lock";
  if (::access(lock.c_str(), F_OK) == 0) TRY_VOID(store::FileLock::take(lock, Cause::CHAT_STORE_IN_USE));
  return store::examine_sqlite(path, {"chat", kChatSchema});
}

} // namespace foyer::engine
