#include "engine/sql/postgres_store.h"

#include <utility>

#include "base/bytes.h"
#include "engine/sql/members.h"
#include "engine/sql/postgres_schema.h"
#include "store/examine.h"

namespace foyer::engine {
namespace {

constexpr std::size_t kNameDigits = 12;

} // namespace
namespace {

store::Owner owner_of(Writers writers) { return writers == Writers::one ? store::Owner::sole : store::Owner::among; }

} // namespace

Result<std::unique_ptr<ChatStore>> open_postgres_store(store::PostgresOptions server, DatabaseStoreOptions options,
    const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log) {
  if (options.watch_every == Millis{0}) options.watch_every = kPostgresWatch;
  server.isolation = store::Isolation::read_committed;
  const auto owner = owner_of(options.writers);
  return open_database_store(store::postgres_writer(server, kPostgresChat, owner), store::postgres_reader(server),
      std::move(options), clock, entropy, metrics, log);
}

Result<NodesDatabase> look_at_nodes(const store::PostgresOptions& server) {
  TRY(db, store::open_postgres(server, store::PostgresUse::read));
  NodesDatabase out;
  TRY(lineage, db->lineage());
  {
    TRY(rows, db->query("SELECT current_database(), to_regclass('nodes') IS NOT NULL"));
    TRY(there, rows.step());
    out.name =
        hex_encode(sha256(lineage.system + '\0' + (there ? rows.text(0) : std::string()))).substr(0, kNameDigits);
    if (!there || rows.integer(1) == 0) return out; // before the first start
  }
  TRY(members, read_members(*db));
  for (const Member& member : members)
    if (member.alive && !member.bus.empty()) out.bus = member.bus;
  return out;
}

Result<bool> examine_postgres_store(const store::PostgresOptions& server, Writers writers) {
  return store::examine_postgres(server, kPostgresChat, owner_of(writers));
}

} // namespace foyer::engine
