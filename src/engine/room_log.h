// The messages of rooms: an ordered log for each room. Offsets rise by one in the order of the calls; each
// {epoch, offset} has one content, for ever. A history that went back gets a new epoch before the next offset is given.
// Changes to earlier messages have their own numbers, which also rise by one.
//
// An answer comes when the change is as durable as this log promises: each log documents that. Callbacks run on
// threads of the log, or before the call returns; they must be short.
#pragma once

#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/completion.h"
#include "base/refusal.h"
#include "engine/record_changes.h"
#include "rooms/model/directory.h"
#include "rooms/model/history.h"

namespace foyer::engine {

// Reports of the log itself, on its own threads.
struct LogWatch {
  // It has reconnected. Another process may have written meanwhile, or the server may be
  // another one: knowledge about rooms must be confirmed. Earlier requests are answered before.
  std::function<void()> opened_again;
  // Another process owns it now. It retries by itself; opened_again reports the success.
  std::function<void(const Refusal&)> lost;

  // Of a log that other nodes write, too. What any node changed, as it was read:
  std::function<void(const std::vector<ChangedRoom>&)> moved = {};
  std::function<void(const std::vector<ControlRow>&)> taken = {};
  std::function<void()> missed = {};          // some of these may have been missed: everything must be confirmed
  std::function<void(MonoTime)> current = {}; // everything before this moment has been reported
};

class RoomLog {
 public:
  virtual ~RoomLog() = default;

  // The offset is given at commit, in the order of the calls. STORE_FULL,
  // STORE_READ_ONLY, STORE_LOCKED, STORE_FAILED; KEY_REUSED for another body under a used key.
  virtual void append(rooms::AppendRequest message, Completion<rooms::Appended> done) = 0;
  // Erases the text permanently; NOT_FOUND if absent, PERMISSION_DENIED if not `by`'s own and not `any`.
  // Repeated: the same answer.
  virtual void erase(RoomName room, Offset offset, UserId by, bool any, Completion<rooms::Erased> done) = 0;
  // All messages of the room are gone, and their keys are forgotten; the offsets continue, and nothing is announced.
  // NOT_FOUND for a room that does not exist.
  virtual void clear(RoomName room, Completion<bool> done) = 0;
  // Messages, and the changes after a number (HistoryRequest::changes_after).
  virtual void history(rooms::HistoryRequest question, Completion<rooms::HistoryPage> done) = 0;

  // A room's position, from the place that gives the offsets. If it is behind what is known of its epoch, the history
  // went back: then it has a new epoch. Public and own rooms that do not exist are created.
  virtual void confirm(RoomName room, rooms::Known known, Completion<rooms::RoomRow> done) = 0;
  // A client presented a position in `epoch` that the log cannot confirm, while the head was at `head`.
  // Stored until the room has another epoch; the first one counts. The answer is the stored one.
  virtual void doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) = 0;

  // An author is gone: its messages keep the id and lose the name, and the texts if they are to be forgotten, too. The
  // texts go first, in several transactions; if it fails on the way, it is asked again. If the directory is in the same
  // database, the user leaves its private and direct rooms in the same transaction, and its own room is deleted.
  virtual void detach_author(UserId user, rooms::Forget what, Completion<rooms::Detached> done) = 0;

  // The room was deleted, and this log is not part of the directory: its history is gone, and who uses the name again
  // begins with another epoch.
  virtual void forget(RoomName, Completion<bool> done) { done(true); }

  // The caller no longer uses the room. A log that is not durable may drop its history.
  virtual void release(const RoomName& room) = 0;

  // Before it is used by several threads; at most one watcher.
  virtual void watch(LogWatch watch) = 0;
};

} // namespace foyer::engine
