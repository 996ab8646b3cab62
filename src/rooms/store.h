// Rooms, members and messages as they are kept. One writer thread does all
// changes, in the order of the calls, many to a transaction (group commit); a
// change is answered after its commit and never before. Reads have their own
// connection and thread, and see every change that was answered before they were
// asked. Callbacks run on the store's threads, or at once on the caller's with BUSY
// when a queue is full; they must be short: the gateway posts to the owning loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/completion.h"
#include "base/refusal.h"
#include "store/age_gate.h"

namespace foyer::rooms {

enum class RoomKind : std::uint8_t {
  public_,  // tea: anybody, created by its first join
  private_, // private:x: members
  direct,   // direct:…: two members
  own,      // user:ID: that user alone
};
[[nodiscard]] std::string_view to_string(RoomKind kind); // "public", "private", "direct", "own"
// The kind a name stands for; ROOM_NAME_INVALID if it is none.
[[nodiscard]] Result<RoomKind> kind_of(std::string_view room);

struct Author {
  UserId id;
  std::string name;
};

struct Message {
  Offset offset = 0;
  Author from;
  std::string text;
  WallTime time{};
  std::string key;      // empty: none
  bool deleted = false; // its text is gone for good and empty here; it keeps its offset
};

// What happened to messages that were said before. A room numbers its changes from 1
// without gaps, beside its offsets, so that whoever comes back learns of those it missed.
enum class ChangeKind : std::uint8_t {
  deleted = 1,         // the text of the message at `offset` is gone
  author_detached = 2, // the account `user` is gone: all its messages have lost the name
};
struct Change {
  Offset number = 0;
  ChangeKind kind{};
  Offset offset = 0; // of the message, if it is about one
  UserId user = {};  // author_detached
};
// Changes that are remembered, and as many as recovery brings.
inline constexpr std::uint32_t kRecoverableChanges = 300;

struct RoomRow {
  RoomName room;
  RoomKind kind{};
  Epoch epoch;
  Offset offset = 0;
  std::vector<UserId> members;        // private and direct only
  WallTime time{};                    // of the message at `offset`, where it was asked and is there; else zero
  std::optional<Offset> doubted = {}; // see ChatStore::doubt
  Offset change = 0;                  // the number of the last change
  bool made = false;                  // by this very question
  UserId creator = {};                // private only
};

// How far the caller knows a room. An empty epoch: not at all.
struct Known {
  Epoch epoch;
  Offset offset = 0;
};

struct OpenRequest {
  RoomName room;
  UserId by = {};    // who asks, and must belong to a private or direct room; empty: the server itself
  bool make = false; // a public or own room that does not exist: it is made, and counts as one of `by`
};

// The rooms that a user sees, a page at a time: first its own, the private and direct ones it belongs to and
// the public ones of `joined`, then the other public ones; both parts in the order of their names.
struct RoomsRequest {
  UserId user;
  std::vector<RoomName> joined = {};  // public rooms
  std::optional<RoomName> after = {}; // the last one of the page before
  std::uint32_t limit = 1'000;
};
struct RoomsPage {
  std::vector<RoomRow> rooms; // without their members
  bool more = false;
};

// Somebody is asked into a private room, or into a direct one that another person began.
struct Invitation {
  RoomName room;
  Author from;
  WallTime expires{};
};
struct InvitationPage {
  std::vector<Invitation> invitations; // newest first
  bool more = false;
};
// What came of asking somebody into a private room.
struct Invited {
  bool member = false; // belongs to it already
  bool is_new = false; // the other person has to be notified
  WallTime expires{};
};
// What came of asking for a direct room.
struct Direct {
  RoomRow room;
  bool requested = false; // the other person has to be notified: the request is new
  bool entered = false;   // `by` did not belong to it before: asking for it accepted the other person's request
  WallTime expires{};
};

struct AppendRequest {
  RoomName room;
  Author from;
  std::string text;
  std::string key; // empty: none
  WallTime time{};
  Known known = {}; // a room that turns out to be behind this gets a new epoch, and the message is of that
};
struct Appended {
  Epoch epoch = {};
  Offset offset = 0;
  WallTime time{};
  bool duplicate = false; // the key was there before with the same text: offset and time are the first's
};

// Rooms that one user may have made.
struct RoomsPerUser {
  std::uint32_t private_rooms = 1'000;
  std::uint32_t direct_rooms = 1'000;
  std::uint32_t public_rooms = 1'000;
};

// At most this many messages in one page, whatever is asked for.
inline constexpr std::uint32_t kHistoryLimit = 300;
// A key is remembered at least this long, even when retention takes the message earlier.
inline constexpr Millis kKeyLife{std::chrono::minutes{5}};
// How long an invitation, or the request of a direct room, waits for an answer. One that was declined
// stays as long, unseen, so that its sender cannot repeat it.
inline constexpr Millis kInvitationLife{std::chrono::days{14}};
inline constexpr std::uint32_t kInvitationsShown = 100; // in one answer

// The name that an author has whose account is gone.
inline constexpr std::string_view kDetachedName = "deleted user";

struct Erased {
  Offset offset = 0;
  Offset change = 0; // the number of the deletion; 0: it was deleted before changes were numbered
};
struct Detached {
  struct Room {
    RoomName room;
    Offset change = 0; // 0: the user belonged to it and had said nothing
  };
  bool any = false; // there was something of the user
  std::vector<Room> rooms = {};
};

struct HistoryRequest {
  RoomName room = {};
  UserId by = {};                    // who asks; readers serve users in turn
  std::optional<Offset> after = {};  // exclusive: oldest first from here
  std::optional<Offset> before = {}; // exclusive: the newest below this
  std::optional<Offset> up_to = {};  // inclusive upper bound
  std::uint32_t limit = 50;
  std::optional<Offset> time_of = {};       // also asked: when was this one written?
  std::optional<Offset> changes_after = {}; // exclusive: also the changes from here
  std::size_t bytes = SIZE_MAX; // of texts, after which the page ends: the message that reaches it is its last
};
struct HistoryPage {
  std::vector<Message> messages; // ascending
  bool more = false;             // older ones (before) or newer ones (after) were left out
  // Read after the messages, so that what the messages do not show yet is here.
  Offset change = 0;                // the number of the room's last change
  std::vector<Change> changes = {}; // those after changes_after, ascending
  bool changes_whole = true;        // all of them are here
  // Where the room stood when this was read.
  Epoch epoch = {};
  Offset head = 0;
  std::optional<WallTime> time_of = {}; // empty: there is no such message (any more)
};

// What a store tells by itself, on its own threads.
struct StoreWatch {
  // It has another connection than before. Somebody else may have written meanwhile, or the server is
  // another one: what is known of rooms has to be confirmed. What was asked before is answered before.
  std::function<void()> opened_again;
  // It belongs to another process now. It is tried again by itself; opened_again tells of the success.
  std::function<void(const Refusal&)> lost;
};

class ChatStore {
 public:
  virtual ~ChatStore() = default;

  // The row of a room. NOT_A_MEMBER for a private or direct room that does not exist or that the asker does not
  // belong to, before its members are read. A public or own room that does not exist: NOT_FOUND, unless it is to
  // be made: then ROOM_LIMIT if `by` has made too many.
  virtual void open(OpenRequest question, Completion<RoomRow> done) = 0;
  // A public or own room in which nothing was ever said goes; false: it is no such room. The caller sees to it
  // that nobody uses it meanwhile. (When a store is opened all such rooms go.)
  virtual void forget_empty(RoomName room, Completion<bool> done) = 0;
  // A private room with its first member: ROOM_EXISTS (also when `by` is not a member; the caller hides it),
  // ROOM_LIMIT.
  virtual void create(RoomName room, UserId by, Completion<RoomRow> done) = 0;
  // The direct room of two users, the same whoever asks. a new one counts as one of `by`. BAD_MESSAGE
  // (field `user`) for one and the same user, ROOM_LIMIT.
  // Who asks first belongs to it at once, the other one by accept() or by asking, too. INVITATION_LIMIT.
  virtual void direct(Author by, UserId other, Completion<Direct> done) = 0;

  // Invitations. NOT_A_MEMBER, PERMISSION_DENIED and ROOM_LIMIT as for add_member; INVITATION_LIMIT.
  virtual void invite(RoomName room, Author from, UserId user, Completion<Invited> done) = 0;
  // The user belongs to the room from then on. False: did so before. NO_INVITATION, also for a room
  // that does not exist; ROOM_LIMIT.
  virtual void accept(RoomName room, UserId user, Completion<bool> done) = 0;
  // NO_INVITATION, also when it has lapsed. The sender learns nothing.
  virtual void decline(RoomName room, UserId user, Completion<bool> done) = 0;
  virtual void invitations(UserId user, Completion<InvitationPage> done) = 0;

  // People whose accounts are elsewhere, known since they were admitted.
  virtual void remember_person(Author person, Completion<bool> done) = 0;
  virtual void find_person(UserId id, Completion<std::optional<Author>> done) = 0;
  // Nobody when several have that name.
  virtual void find_person_by_name(std::string name, Completion<std::optional<Author>> done) = 0;
  // Members of private rooms; of another kind: PERMISSION_DENIED, absent: NOT_A_MEMBER, too many: ROOM_LIMIT.
  virtual void add_member(RoomName room, UserId user, Completion<bool> done) = 0; // false: was one already
  // false: was none. A private room that loses its last member is gone, and its name is free again.
  virtual void remove_member(RoomName room, UserId user, Completion<bool> done) = 0;
  // The offset is given at commit, in the order of the calls. STORE_FULL,
  // STORE_READ_ONLY, STORE_LOCKED, STORE_FAILED; KEY_REUSED for another text under a used key.
  virtual void append(AppendRequest message, Completion<Appended> done) = 0;
  // Where a room stands, from the writer. If that is behind what is known of its epoch, the history went
  // back: then it has a new epoch. Public and own rooms that do not exist are made, as in open().
  virtual void confirm(RoomName room, Known known, Completion<RoomRow> done) = 0;
  // A client showed a position in `epoch` that the store cannot vouch for, while the head was at `head`.
  // Kept until the room has another epoch; the first one counts. The answer is the one that is kept.
  virtual void doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) = 0;
  // Empties the text for good; NOT_FOUND if absent, PERMISSION_DENIED if not `by`'s own and not `any`.
  // Again: the same answer.
  virtual void erase(RoomName room, Offset offset, UserId by, bool any, Completion<Erased> done) = 0;
  virtual void history(HistoryRequest question, Completion<HistoryPage> done) = 0;
  virtual void rooms_of(RoomsRequest question, Completion<RoomsPage> done) = 0;

  // The end of an account: its messages keep the id and lose the name, it leaves its private and direct
  // rooms, its own room goes.
  virtual void detach_author(UserId user, Completion<Detached> done) = 0;

  // Before it is used by several threads; at most one.
  virtual void watch(StoreWatch watch) = 0;
  // Whether deletion by age goes on or waits until the clock is trusted; nothing: nothing is deleted by age. Any
  // thread.
  [[nodiscard]] virtual std::optional<store::UpkeepState> upkeep_state() const = 0;
  // An operator says that the clock is right: rows that have reached their age limit are deleted now. Any thread.
  virtual void upkeep_now() = 0;

  // Refuses what comes later with BUSY and finishes what is queued.
  virtual void close() = 0;

  [[nodiscard]] virtual Result<bool> probe() = 0; // can it write now? for /health/ready; any thread, does not block on
                                                  // I/O
  [[nodiscard]] virtual std::size_t queued() const = 0; // gauge
};

} // namespace foyer::rooms
