// Examines a database as a start would, without changing it. `foyer check`
// and `foyer serve` ask here before anything is opened for good. The answer is true
// where the schema is this program's own, so that opening it changes nothing either.
#pragma once

#include <string>

#include "store/database.h"
#include "store/postgres.h"
#include "store/sqlite.h"

namespace foyer::store {

// An absent file is fine: it is made at the start. STORE_TOO_NEW, STORE_READ_ONLY,
// STORE_FAILED (damaged, or no database) and the other causes of store/sqlite.h.
[[nodiscard]] Result<bool> examine_sqlite(const std::string& path, const Schema& schema);

// DATABASE_UNREACHABLE, STORE_TOO_NEW, STORE_READ_ONLY (a standby), DATA_ENVIRONMENT_MISMATCH,
// and where one connection must be the owner CHAT_STORE_IN_USE while another is. A process that
// held it a moment ago gets a second to be gone, as at a start.
[[nodiscard]] Result<bool> examine_postgres(
    const PostgresOptions& options, const Schema& schema, Owner owner = Owner::shared);

} // namespace foyer::store
