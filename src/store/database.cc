#include "store/database.h"

#include <fmt/format.h>

namespace foyer::store {

Result<bool> Database::await_notification(Millis, int) {
  return refuse(Cause::STORE_FAILED, name() + ": this database sends no notifications");
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY_VOID(database.begin(Begin::write));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr && database_->in_transaction()) (void)database_->roll_back();
}

Result<void> Transaction::commit() {
  Database& database = *database_;
  if (!database.in_transaction())
    return refuse(
        Cause::STORE_FAILED, fmt::format("{}: the transaction was abandoned before its commit", database.name()));
  TRY_VOID(database.commit());
  database_ = nullptr;
  return {};
}

} // namespace foyer::store
