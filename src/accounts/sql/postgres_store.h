// The accounts in PostgreSQL. Several processes may work on one database at the same time.
#pragma once

#include <memory>

#include "accounts/sql/database_store.h"
#include "store/postgres.h"

namespace foyer::accounts {

// How often an idle connection is checked, so that readiness follows the server's state.
inline constexpr Millis kPostgresWatch{1'000};

// DATABASE_UNREACHABLE, STORE_TOO_NEW and the causes of store/postgres.h. All references must outlive the store.
[[nodiscard]] Result<std::unique_ptr<AccountStore>> open_postgres_store(store::PostgresOptions server,
    DatabaseStoreOptions options, const Clock& clock, Entropy& entropy, Metrics& metrics, Log& log);

// Whether a start could use the database; changes nothing (store/examine.h).
[[nodiscard]] Result<bool> examine_postgres_store(const store::PostgresOptions& server);

} // namespace foyer::accounts
