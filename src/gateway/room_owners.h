// The rooms that one loop owns (by hash of their names). The owner is where a
// room's order is made: it takes commands one after the other, has messages
// stored, and publishes them after their commit, in the order of their offsets.
//
// Thread safety: everything runs on the owner's loop; what the store answers is
// posted there first.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/completion.h"
#include "base/metrics.h"
#include "engine/room_directory.h"
#include "engine/room_log.h"
#include "gateway/room_port.h"
#include "gateway/user_use.h"
#include "io/transport.h"
#include "protocol/budget.h"
#include "rooms/access.h"
#include "rooms/durability.h"
#include "rooms/ephemeral.h"
#include "rooms/model/audience.h"
#include "rooms/model/presence.h"
#include "rooms/model/recovery.h"
#include "rooms/model/typing.h"
#include "rooms/stream_follower.h"

namespace foyer::gateway {

struct RoomPolicy {
  Millis presence_grace{5'000};
  std::size_t presence_events_limit = 200; // members; above: members_changed
  std::size_t members_shown = 100;
  std::uint32_t history_limit = 300;
  Millis idle_unload{30'000};    // a room that nobody uses leaves the owner's memory
  Millis idle_forget{3'600'000}; // and one whose history is only there, with it
  rooms::Durability durability;  // which rooms keep their history in memory only
  rooms::EphemeralLimits ephemeral;
  rooms::FollowerLimits following; // of a room's stream; messages that cannot be read: HISTORY_UNREADABLE
  // Of one owner: its part of what the process may hold. Beyond: BUSY.
  std::size_t rooms_loaded = 100'000;
  std::size_t memory_bytes = 256 * 1024 * 1024; // texts of rooms that are not durable
  std::size_t waiting = 1'000;                  // commands of a room that is being loaded
  // Of everybody in one room. Beyond: RATE_LIMITED, but for those who have said little there.
  std::uint32_t messages_per_s = 200;
  std::uint32_t messages_burst = 2'000;
};

class RoomOwners {
 public:
  RoomOwners(io::Loop& loop, engine::RoomLog* log, engine::RoomDirectory* directory, RoomPort& port,
      const RoomPolicy& policy, Entropy& entropy, Metrics& metrics);
  ~RoomOwners();

  void join(JoinRequest question);
  // `evicted`: the presence has ended already.
  void leave(ConnectionId connection, const UserId& user, const RoomName& room, bool evicted);
  void chat(Speaker speaker, MessageId id, RoomName room, std::string text, std::string key);
  void erase(Speaker speaker, MessageId id, RoomName room, Offset offset);
  void typing(Speaker speaker, RoomName room, bool on);
  void history(Speaker speaker, MessageId id, RoomName room, HistoryPart part);
  // One message, whole; whoever may read the room's history may. NOT_FOUND.
  void message(Speaker speaker, RoomName room, Offset offset, Completion<std::string> done);
  void presence(Speaker speaker, MessageId id, RoomName room);
  void create(Speaker speaker, MessageId id, RoomName room);
  void invite(Speaker speaker, MessageId id, RoomName room, UserId user); // who has to accept
  void remove(Speaker speaker, MessageId id, RoomName room, UserId user);
  // The account of an author is gone; `where` are the stored rooms that this concerns.
  void author_detached(const UserId& user, const std::vector<rooms::Detached::Room>& where);
  // Not about one room; any loop may answer.
  void direct(Speaker speaker, MessageId id, UserId other);
  void list(Speaker speaker, MessageId id, rooms::RoomsRequest question);
  void accept(Speaker speaker, MessageId id, RoomName room);
  void decline(Speaker speaker, MessageId id, RoomName room);
  void invitations(Speaker speaker, MessageId id);

  // The store has taken a new member in; the room need not be loaded.
  void member_added(const RoomName& room, const UserId& user);

  // The store has another connection: what is known of every room is confirmed before it is relied upon.
  void store_opened_again();

  [[nodiscard]] std::size_t loaded() const { return rooms_.size() + loading_.size(); }
  [[nodiscard]] std::size_t memory() const { return memory_.used; } // bytes of texts that are only here

 private:
  struct Room;
  struct JoinPlan;
  struct JoinedPage; // what of a room's history a join is answered with
  struct Loading;
  using Operation = Completion<Room*>;
  enum class Load : std::uint8_t {
    existing, // a public or own room that does not exist: NOT_FOUND
    made,     // is made
  };

  // What the name of a room alone says against an act.
  [[nodiscard]] static std::optional<Refusal> decide_by_name(
      const RoomName& name, const Speaker& speaker, rooms::Act act);
  // Runs it with the room, once that is in memory. Nothing is loaded for a speaker whom it does not concern.
  void with_room(const RoomName& name, const Speaker& speaker, rooms::Act act, Load load, Operation operation);
  void ask(const RoomName& name, const UserId& by, bool make);
  void opened(const RoomName& name, const UserId& by, Result<rooms::RoomRow> row);
  void not_opened(const RoomName& name, const UserId& by, Refusal refusal);
  Room* load(const RoomName& name, admission::Permit place, rooms::RoomRow row);
  // Out of memory; and out of the store if nothing was ever said in it.
  void unload(const RoomName& name);
  void forgotten(const RoomName& name);
  // The room hears more than it may. Counts.
  [[nodiscard]] std::optional<Refusal> crowded(Room& room, const UserId& user);
  Room* find(const RoomName& name);
  void fill(Room& room, rooms::RoomRow row);
  [[nodiscard]] bool is_member(const Room& room, const UserId& user) const;
  [[nodiscard]] std::optional<Refusal> check(const Room& room, const Speaker& speaker, rooms::Act act) const;
  void read_for_join(JoinRequest question, Room& room, int tries);
  void read_newest_for_join(JoinRequest question, Room& room, int tries);
  void answer_join(JoinRequest question, Room& room, const JoinPlan& plan, rooms::HistoryPage page, int tries);
  void finish_join(
      JoinRequest question, Room& room, const rooms::Recovery& recovery, const rooms::HistoryPage& page, int tries);
  void joined(JoinRequest& question, Room& room, const JoinedPage& page);
  void history_page(const Speaker& speaker, MessageId id, const RoomName& name, Room* room, const HistoryPart& part,
      Offset up_to, Result<rooms::HistoryPage> page);
  void join_failed(JoinRequest& question, Room* room, Refusal refusal);
  // A change is stored: everybody who can understand it is told.
  void changed(Room& room, const rooms::Change& change);
  // What has happened to messages while the store was read.
  static void apply_fresh(const Room& room, rooms::HistoryPage& page);
  void publish(Room& room, std::string_view json, Offset offset, const UserId& except = {}, bool of_message = false);
  // What the room's follower decided (rooms/stream_follower.h).
  void act(Room& room, const rooms::Actions& actions);
  void read_missing(Room& room, const rooms::ReadHistory& read);
  // Whoever is subscribed is told to begin anew, or closed with HISTORY_UNREADABLE and reads on from
  // the last offset that it has.
  void lost(Room& room, const rooms::Lost& lost);
  // Where does the room stand? The writer knows. Commands wait for the answer.
  void confirm(Room& room);
  void confirm_more(); // of the rooms in to_confirm_, a few at a time
  void confirmed(Room& room, rooms::Standpoint asked, Result<rooms::RoomRow> row);
  void members_confirmed(Room& room, std::vector<UserId> members);
  // Its history begins anew: whoever is subscribed is told, and is not any more.
  void reset(Room& room, const Epoch& epoch, Offset offset);
  // The message is stored and was answered so: publishes it, and answers `sent`.
  void stored(Room& room, ReplyTo connection, MessageId id, rooms::Message& message, const rooms::Appended& appended);
  void send_invitation(const UserId& to, const rooms::Invitation& invitation);
  void entered(const RoomName& room, const UserId& user);
  void publish_message(Room& room, const rooms::Message& message);
  void publish_change(Room& room, const rooms::Change& change);
  void member_came(Room& room, const Speaker& speaker);
  void member_went(Room& room, const rooms::Member& member, std::size_t before); // of so many
  [[nodiscard]] static bool is_idle(const Room& room); // nobody uses it and nothing is under way
  void schedule(Room& room);
  [[nodiscard]] Millis unload_after(const Room& room) const;
  void on_timer(Room& room);
  void answer(const Speaker& speaker, std::string_view json);
  // Wraps a store callback so that it runs on this loop with the room, which is
  // kept loaded until then.
  template <class T, class Function>
  Completion<T> on_loop(Room& room, Function function);

  io::Loop& loop_;
  engine::RoomLog* log_;
  engine::RoomDirectory* directory_;
  RoomPort& port_;
  const RoomPolicy& policy_;
  Entropy& entropy_;
  Counter& published_;
  Counter& rooms_refused_;       // for want of rooms_loaded
  rooms::EphemeralShare memory_; // outlives the rooms
  std::uint64_t openings_ = 0;   // of the store, since this began
  std::deque<RoomName> to_confirm_;
  std::size_t confirming_ = 0;
  std::unordered_map<RoomName, std::unique_ptr<Room>> rooms_;
  std::unordered_map<RoomName, std::unique_ptr<Loading>> loading_; // on their way into memory, or out of the store
  const protocol::Allowance allowed_messages_;                     // of a room
  Counter& messages_refused_;
  std::shared_ptr<bool> alive_; // false once this is gone: answers of the store that come later are dropped
};

} // namespace foyer::gateway
