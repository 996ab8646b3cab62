// The changes of the chat store, as jobs of its writer. Used by the writer's
// thread. It remembers ids and last offsets, so that an append reads nothing. The
// memory is dropped when a transaction is undone. With many writers it holds for rooms within
// one transaction only, whose first statement locks their rows: the row of a room is its lock, and whoever
// holds it is the only writer of that room.
//
// Messages are not stored one by one: they wait, and are written many to a
// statement before the commit, or before the next change of another kind. Their
// offsets are assigned then, in the order of the calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "engine/sql/call_log.h"
#include "engine/sql/control_log.h"
#include "engine/sql/hook_writes.h"
#include "engine/sql/policy.h"
#include "engine/values.h"
#include "store/database.h"

namespace foyer::engine {

enum class Writers : std::uint8_t {
  one,  // nobody else changes rooms while this process has its connection
  many, // other processes do, too; PostgreSQL only
};

// A room whose position is asked for, and what the asker knows of it.
struct Confirmation {
  RoomName room;
  Known known;
};

class Writes {
 public:
  // `events`: what the changes report to webhooks. `calls`: of messages; null: others write this database, too, and the
  // calls are in the table of all (call_rows.h).
  Writes(const Clock& clock, Entropy& entropy, const StorePolicy& policy, HookWrites& events, CallLog* calls,
      Writers writers)
      : clock_(clock),
        entropy_(entropy),
        limits_(policy),
        events_(events),
        calls_(calls),
        many_(writers == Writers::many) {}

  // At the beginning of a transaction whose jobs change the rooms of these names, which may not exist or come twice:
  // locks their rows, in the order of the names, so that two writers never wait for each other.
  [[nodiscard]] Result<void> begin(store::Database& db, std::vector<std::string_view> rooms);

  // Those of the rooms that others hold now. With many writers.
  [[nodiscard]] Result<std::vector<std::string>> held(store::Database& db, const std::vector<std::string_view>& rooms);

  // Runs a job other than an append; when it refuses, its changes are undone and forgotten here.
  template <class T, class Job>
  Result<T> run(store::Database& db, Job& job) {
    forget_no_more();
    const std::vector<Waiting> earlier = waiting_;
    const std::size_t reported = events_.mark();
    const CallLog::Mark recorded = calls_ == nullptr ? CallLog::Mark{} : calls_->mark();
    TRY_VOID(store_waiting(db));
    Result<T> result = job(*this, db);
    if (!result) {
      forget_made();
      if (calls_ != nullptr) calls_->back_to(recorded);
      wait_again(earlier);
      events_.back_to(reported);
    }
    return result;
  }

  // The message waits; returns its index for answer_of(). `question` must live until flush().
  [[nodiscard]] Result<std::size_t> append(store::Database& db, const AppendRequest& question);
  // After the commit and before the next transaction.
  [[nodiscard]] const Result<Appended>& answer_of(std::size_t place) const { return answers_[place]; }

  [[nodiscard]] Result<RoomRow> open(store::Database& db, const RoomName& room, const UserId& by);
  [[nodiscard]] Result<bool> forget_empty(store::Database& db, const RoomName& room);
  [[nodiscard]] Result<bool> forget_all_empty(store::Database& db);
  [[nodiscard]] Result<RoomRow> confirm(store::Database& db, const RoomName& room, const Known& known);
  // The same of many rooms in one statement, with many writers. In the order of the questions.
  [[nodiscard]] Result<std::vector<Result<RoomRow>>> confirm_all(
      store::Database& db, const std::vector<Confirmation>& questions);
  [[nodiscard]] Result<Offset> doubt(store::Database& db, const RoomName& room, const Epoch& epoch, Offset head);
  [[nodiscard]] Result<RoomRow> create(store::Database& db, const RoomName& room, const UserId& by);
  [[nodiscard]] Result<RoomRow> create_for(
      store::Database& db, const RoomName& room, const std::vector<UserId>& members);
  [[nodiscard]] Result<bool> clear(store::Database& db, const RoomName& room);
  [[nodiscard]] Result<bool> remove_room(store::Database& db, const RoomName& room);
  [[nodiscard]] Result<Direct> direct(store::Database& db, const Author& by, const UserId& other);
  [[nodiscard]] Result<bool> add_member(store::Database& db, const RoomName& room, const UserId& user);
  [[nodiscard]] Result<bool> remove_member(store::Database& db, const RoomName& room, const UserId& user);
  [[nodiscard]] Result<Invited> invite(
      store::Database& db, const RoomName& room, const Author& from, const UserId& user);
  [[nodiscard]] Result<bool> accept(store::Database& db, const RoomName& room, const UserId& user);
  [[nodiscard]] Result<bool> decline(store::Database& db, const RoomName& room, const UserId& user);
  [[nodiscard]] Result<bool> remember_person(store::Database& db, const Author& person);
  [[nodiscard]] Result<Erased> erase(
      store::Database& db, const RoomName& room, Offset offset, const UserId& by, bool any);
  [[nodiscard]] Result<Detached> detach_author(store::Database& db, const UserId& user, Forget what);
  // Erases texts of an author, some messages at a time, so that others may write in between. Returns where to go on.
  struct Erasing {
    std::int64_t room = 0; // of its row
    Offset after = 0;
    bool any = false; // something was erased
    bool over = false;
  };
  [[nodiscard]] Result<Erasing> erase_texts(store::Database& db, const UserId& user, const Erasing& from);

  // Before the commit: stores waiting messages, and the last offsets of their rooms.
  [[nodiscard]] Result<void> flush(store::Database& db);
  void forget(); // everything

  // Messages appended since the last call.
  [[nodiscard]] std::uint64_t appended() const { return appended_; }
  void reset_appended() { appended_ = 0; }
  [[nodiscard]] std::uint64_t take_recorded() { return std::exchange(recorded_, 0); } // calls, likewise

 private:
  struct Room {
    std::int64_t id = 0;
    RoomKind kind{};
    std::string epoch;
    Offset last = 0;
    Offset change = 0; // of the last one
    WallTime active{};
    UserId creator = {}; // of a private room
    bool dirty = false;  // last and active are newer than the row
  };
  struct Waiting {
    const AppendRequest* question;
    Room* room;
    std::int64_t name; // row of names
    Offset room_last;  // of the room, before the waiting messages are stored
    std::size_t place; // index in answers_
  };

  // Null: no room has that name. Locks its row, with many writers.
  [[nodiscard]] Result<Room*> find(store::Database& db, std::string_view name);
  Room& remember(const store::Statement& rows, std::string_view name);
  // Creates public and own rooms; others must exist: NOT_A_MEMBER. `by`: the creator; empty: none.
  [[nodiscard]] Result<Room*> find_or_make(store::Database& db, std::string_view name, const UserId& by);
  [[nodiscard]] Result<void> may_make(store::Database& db, RoomKind kind, const UserId& by); // ROOM_LIMIT
  // Null: another writer was first.
  [[nodiscard]] Result<Room*> make(store::Database& db, std::string_view name, RoomKind kind,
      std::optional<std::string_view> pair, std::optional<std::string_view> creator);
  // The room is behind the caller's knowledge: it gets a new epoch.
  [[nodiscard]] Result<void> renew_if_behind(store::Database& db, Room& room, const Known& known);
  // Null: another writer was first.
  [[nodiscard]] Result<std::optional<Direct>> begin_direct(
      store::Database& db, const Author& by, const UserId& other, std::string_view pair);
  [[nodiscard]] Result<Direct> enter_direct(
      store::Database& db, const Author& by, const UserId& other, std::string_view name, Room& room);
  // The last offsets of rooms, and that they changed. With many writers.
  [[nodiscard]] Result<void> store_moved(store::Database& db, const std::vector<Room*>& rooms);
  // That a room changed otherwise, with many writers.
  [[nodiscard]] Result<void> tell_others(store::Database& db, std::int64_t room);
  // That a right was taken away, with many writers.
  [[nodiscard]] Result<void> tell_taken(
      store::Database& db, TakenAway what, std::string_view room, std::string_view user);
  // Everything that the end of an account changes, with many writers.
  [[nodiscard]] Result<void> lock_rooms_of(store::Database& db, const UserId& user);
  [[nodiscard]] Result<Room*> private_room(store::Database& db, const RoomName& room);
  [[nodiscard]] Result<Room*> room_with_members(store::Database& db, const RoomName& room); // private or public
  [[nodiscard]] Result<std::int64_t> name_id(store::Database& db, const Author& author);
  // Remembers that the author has written in the room.
  [[nodiscard]] Result<void> put_author(store::Database& db, std::int64_t room, const UserId& author);
  // The number of the change, which the caller stores once nothing can fail any more.
  [[nodiscard]] Result<Offset> put_change(
      store::Database& db, std::int64_t room, Offset last, ChangeKind kind, Offset offset, std::string_view body);
  [[nodiscard]] Result<void> put_member(store::Database& db, std::int64_t room, const UserId& user);
  [[nodiscard]] Result<bool> is_member(store::Database& db, std::int64_t room, const UserId& user);
  [[nodiscard]] Result<void> has_place(store::Database& db, const Room& room);
  // The row of an invitation, whether it is new, and its limits.
  [[nodiscard]] Result<Invited> ask(store::Database& db, std::int64_t room, const Author& from, const UserId& user);
  [[nodiscard]] Result<void> within_limits(store::Database& db, const UserId& from, const UserId& user, WallTime since);
  [[nodiscard]] Result<void> store_waiting(store::Database& db);
  // False: a message or a call has a key that was used before, and nothing is stored.
  [[nodiscard]] Result<bool> store_all_new(store::Database& db);
  [[nodiscard]] Result<bool> insert_messages(store::Database& db);
  [[nodiscard]] Result<bool> insert_and_move(store::Database& db); // and the last offsets of the rooms
  [[nodiscard]] Result<bool> insert_records(store::Database& db);  // of the calls of those messages
  [[nodiscard]] Result<Appended> store_one(store::Database& db, const Waiting& waiting);
  [[nodiscard]] Result<Appended> store_message(store::Database& db, const Waiting& waiting);
  void stored(Room& room, const AppendRequest& question, Offset offset);
  void wait_again(const std::vector<Waiting>& earlier);
  [[nodiscard]] Result<Appended> first_of_key(store::Database& db, const Room& room, const AppendRequest& question);
  [[nodiscard]] Result<RoomRow> row(store::Database& db, std::string_view name, const Room& room);
  void forget_made();
  void forget_no_more();   // a job begins: what is known so far stays, whatever becomes of it
  void report_published(); // the waiting messages, which are stored
  void report_member(HookType type, std::string_view room, const UserId& user);
  void report_room(HookType type, std::string_view room, RoomKind kind, std::string_view user = {});

  const Clock& clock_;
  Entropy& entropy_;
  const StorePolicy limits_;
  HookWrites& events_;
  CallLog* const calls_;
  const bool many_;
  std::unordered_map<std::string, Room, TransparentStringHash, std::equal_to<>> rooms_;
  std::unordered_map<std::string, std::int64_t> names_; // by user, zero byte, name
  std::unordered_set<std::string> authors_;             // by room, zero byte, user
  std::vector<std::string> dirty_;
  std::vector<Waiting> waiting_;
  std::vector<Result<Appended>> answers_; // of the current transaction, or of the last one
  bool flushed_ = true;                   // the next append is the first of its transaction
  std::vector<std::string> made_rooms_;
  std::vector<std::string> found_rooms_; // with many writers: undoing the job gives their locks back
  std::vector<std::string> made_names_;
  std::vector<std::string> made_authors_;
  std::uint64_t appended_ = 0;
  std::uint64_t recorded_ = 0;
};

// The members of a room, in the order of their ids.
[[nodiscard]] Result<std::vector<UserId>> members_of(store::Database& db, std::int64_t room_id);

} // namespace foyer::engine
