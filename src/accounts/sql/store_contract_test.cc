#include "accounts/testing/store_contract.h"
#include "accounts/testing/store_contract_secrets.h"

namespace foyer::accounts::testing_world {

INSTANTIATE_TEST_SUITE_P(
    Sqlite, AccountStoreContract, testing::Values(MakePlace{[] { return std::make_unique<SqlitePlace>(); }}));
INSTANTIATE_TEST_SUITE_P(
    Postgres, AccountStoreContract, testing::Values(MakePlace{[] { return std::make_unique<PostgresPlace>(); }}));

} // namespace foyer::accounts::testing_world
