// What was said in rooms: an ordered log for each room. Offsets rise by one in the order of the calls; one content
// for each {epoch, offset}, for ever. A history that went back gets a new epoch before the next offset is given.
// Changes to what was said before have their own numbers, which also rise by one.
//
// An answer comes after the change is as durable as this log promises: a log says how much that is. Callbacks run on
// threads of the log, or before the call returns; they must be short.
#pragma once

#include <functional>

#include "base/completion.h"
#include "base/refusal.h"
#include "rooms/model/directory.h"
#include "rooms/model/history.h"

namespace foyer::engine {

// What a log reports by itself, on its own threads.
struct LogWatch {
  // It has another connection than before. Somebody else may have written meanwhile, or the server is
  // another one: what is known of rooms has to be confirmed. What was asked before is answered before.
  std::function<void()> opened_again;
  // It belongs to another process now. It is tried again by itself; opened_again reports the success.
  std::function<void(const Refusal&)> lost;
};

class RoomLog {
 public:
  virtual ~RoomLog() = default;

  // The offset is given at commit, in the order of the calls. STORE_FULL,
  // STORE_READ_ONLY, STORE_LOCKED, STORE_FAILED; KEY_REUSED for another text under a used key.
  virtual void append(rooms::AppendRequest message, Completion<rooms::Appended> done) = 0;
  // Empties the text for good; NOT_FOUND if absent, PERMISSION_DENIED if not `by`'s own and not `any`.
  // Again: the same answer.
  virtual void erase(RoomName room, Offset offset, UserId by, bool any, Completion<rooms::Erased> done) = 0;
  // Messages, and the changes after a number (HistoryRequest::changes_after).
  virtual void history(rooms::HistoryRequest question, Completion<rooms::HistoryPage> done) = 0;

  // Where a room stands, from whoever gives the offsets. If that is behind what is known of its epoch, the history
  // went back: then it has a new epoch. Public and own rooms that do not exist are made.
  virtual void confirm(RoomName room, rooms::Known known, Completion<rooms::RoomRow> done) = 0;
  // A client showed a position in `epoch` that the log cannot vouch for, while the head was at `head`.
  // Kept until the room has another epoch; the first one counts. The answer is the one that is kept.
  virtual void doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) = 0;

  // The end of an account: its messages keep the id and lose the name. Where the directory is in the same
  // database, it leaves its private and direct rooms in the same transaction, and its own room goes.
  virtual void detach_author(UserId user, Completion<rooms::Detached> done) = 0;

  // The caller uses the room no longer. A log that is not durable may let its history go.
  virtual void release(const RoomName& room) = 0;

  // Before it is used by several threads; at most one.
  virtual void watch(LogWatch watch) = 0;
};

} // namespace foyer::engine
