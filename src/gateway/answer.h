// How answers of rooms come back to a connection. For the files that carry out commands.
#pragma once

#include <utility>

#include "gateway/connection.h"
#include "gateway/shard.h"

namespace foyer::gateway {

template <class T>
Completion<T> Shard::answer_to(ReplyTo to) {
  return [this, to](Result<T> result) mutable {
    if (!result) return refuse(to, std::move(result).error());
    if (Connection* connection = find(to.connection))
      connection->answered(to.command,
          [connection, id = to.id, value = std::move(*result)]() mutable { connection->reply(id, std::move(value)); });
  };
}

} // namespace foyer::gateway
