#include "rooms/testing/chat_store_contract.h"
#include "rooms/testing/chat_messages_contract.h"

namespace foyer::rooms {

INSTANTIATE_TEST_SUITE_P(Sqlite, ChatStoreContract,
    testing::Values([]() -> std::unique_ptr<StoreWorld> { return std::make_unique<SqliteWorld>(); }));
INSTANTIATE_TEST_SUITE_P(Postgres, ChatStoreContract,
    testing::Values([]() -> std::unique_ptr<StoreWorld> { return std::make_unique<PostgresWorld>(); }));

} // namespace foyer::rooms
