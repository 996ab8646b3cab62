// Returns answers of the room service to the session that sent the command. For the files that carry out commands.
#pragma once

#include <utility>

#include "gateway/session.h"
#include "gateway/shard.h"

namespace foyer::gateway {

template <class T>
Completion<T> Shard::answer_to(ReplyTo to) {
  return [this, to](Result<T> result) mutable {
    if (!result) return refuse(to, std::move(result).error());
    if (Session* session = find(to.connection))
      session->answered(to.command,
          [session, id = to.id, value = std::move(*result)]() mutable { session->reply(id, std::move(value)); });
  };
}

} // namespace foyer::gateway
