// The rooms that one loop owns, by the hash of their names. The home establishes the order in a room: it handles
// requests one after another, stores messages, and publishes them after their commit in the order of their offsets.
//
// Thread safety: everything runs on the home's loop; answers of the store are posted to it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/allowance.h"
#include "base/clock.h"
#include "base/completion.h"
#include "base/metrics.h"
#include "engine/memory/room_log.h"
#include "engine/room_directory.h"
#include "engine/room_log.h"
#include "io/transport.h"
#include "rooms/actor.h"
#include "rooms/listeners.h"
#include "rooms/model/access.h"
#include "rooms/model/audience.h"
#include "rooms/model/presence.h"
#include "rooms/model/recovery.h"
#include "rooms/model/room_rules.h"
#include "rooms/model/stream_follower.h"
#include "rooms/model/typing.h"
#include "rooms/policy.h"
#include "rooms/requests.h"

namespace foyer::rooms {

class RoomHome;

// The homes of one process. A room's name determines its home.
class Homes {
 public:
  void add(RoomHome& home) { all_.push_back(&home); }
  [[nodiscard]] std::size_t of(const RoomName& room) const {
    return std::hash<std::string_view>{}(room.view()) % all_.size();
  }
  [[nodiscard]] RoomHome& at(std::size_t home) const { return *all_[home]; }
  [[nodiscard]] std::size_t count() const { return all_.size(); }

 private:
  std::vector<RoomHome*> all_;
};

class RoomHome {
 public:
  // `homes` must outlive this; all homes must be added before the first request.
  RoomHome(io::Loop& loop, engine::RoomLog* log, engine::RoomDirectory* directory, Outlets outlets, const Homes& homes,
      const RoomPolicy& policy, Entropy& entropy, Metrics& metrics);
  ~RoomHome();
  [[nodiscard]] io::Loop& loop() { return loop_; }
  [[nodiscard]] const std::shared_ptr<Listener>& listener() const {
    return outlets_.here;
  } // the listener of this loop; any thread

  [[nodiscard]] bool durable(const RoomName& room) const { return policy_.rules.durable(room.view()); } // any thread

  // As documented in RoomService. `done` runs on this loop, at once or later.
  void join(Actor actor, JoinRequest request, Completion<Joined> done);
  void leave(ListenerId listener, const UserId& user, const RoomName& room, bool evicted);
  void publish(Actor actor, PublishRequest request, Completion<Published> done);
  void erase(const Actor& actor, const RoomName& room, Offset offset, Completion<MessageErased> done);
  void typing(const Actor& actor, const RoomName& room, bool on);
  void history(Actor actor, HistoryQuery query, Completion<HistoryPart> done);
  void message(const Actor& actor, const RoomName& room, Offset offset, Completion<MessageFound> done);
  void presence(const Actor& actor, const RoomName& room, AnswerLimit answer, Completion<PresenceNow> done);
  void active(std::string pattern, Completion<std::vector<ActiveRoom>> done); // only rooms of this home, unordered
  [[nodiscard]] RoomAudience audience(const RoomName& room);
  void create(Actor actor, const RoomName& room, Completion<RoomCreated> done);
  void create_for(const RoomName& room, std::vector<UserId> members, Completion<RoomCreated> done);
  void destroy(const RoomName& room, Completion<RoomDestroyed> done);
  void clear(const Actor& actor, const RoomName& room, Completion<HistoryRemoved> done);
  void add_member(const Actor& actor, const RoomName& room, UserId user, Completion<UserAdded> done);
  void invite(const Actor& actor, const RoomName& room, UserId user, Completion<UserInvited> done);
  void remove(const Actor& actor, const RoomName& room, UserId user, Completion<UserRemoved> done);
  // These concern no single loaded room; any home may answer.
  void direct(Actor actor, UserId other, Completion<RoomCreated> done);
  void list(RoomsRequest request, Completion<RoomsPage> done);
  void accept(const Actor& actor, const RoomName& room, Completion<InvitationAccepted> done);
  void decline(Actor actor, const RoomName& room, Completion<InvitationTurnedDown> done);
  void invitations(const UserId& user, Completion<InvitationPage> done);

  // Any thread; `done` runs on a thread of the log.
  void forget_author(const UserId& user, Forget what, Completion<bool> done);
  // Called by forget_author of any home. `where`: the stored rooms that were changed.
  void author_detached(const UserId& user, Forget what, const std::vector<Detached::Room>& where);
  // The store has added a member. No effect if the room is not loaded here.
  void member_added(const RoomName& room, const UserId& user);
  // The store has been reopened: every room's position is confirmed before the room is used again.
  void store_opened_again();

  // The shared log was reached again: the same for its rooms.
  void shared_log_opened_again();
  // Events of rooms in the shared log may not arrive: their positions are read.
  void look_at_shared_log();

  // From other nodes; see Outlets::between and engine::LogWatch. No effect on rooms that are not loaded here.
  void heard(const EventPtr& event, bool own);
  void moved(const engine::ChangedRoom& position);
  void taken(const engine::ControlRow& row);
  void may_have_missed(const RoomName& room);

  [[nodiscard]] std::size_t loaded() const { return rooms_.size() + loading_.size(); }
  [[nodiscard]] std::size_t occupied() const { return occupied_; }     // rooms with subscribers
  [[nodiscard]] std::size_t memory() const { return memory_.bytes(); } // bytes of texts that exist only here

 private:
  struct Room;
  struct Joining; // a join in progress
  struct JoinPlan;
  struct Loading;
  struct Occupancy; // an active() in progress
  using Operation = Completion<Room*>;
  enum class Load : std::uint8_t {
    existing, // a public or own room that does not exist is refused with NOT_FOUND
    made,     // it is created
  };

  // The refusal that follows from the name of a room alone.
  [[nodiscard]] static std::optional<Refusal> decide_by_name(
      const RoomName& name, const RoomSettings& settings, const Actor& actor, Act act);
  // Runs `operation` with the room, once loaded. A room that is not open to the actor is not loaded.
  void with_room(const RoomName& name, const Actor& actor, Act act, Load load, Operation operation);
  // The same with the check that the actor may do `act`. `operation` is called as (Room&, Actor, Completion<T>); a
  // refusal goes to `done` instead.
  template <class T, class Function>
  void in_room(const RoomName& name, const Actor& actor, Act act, Load load, Completion<T> done, Function operation);
  void ask(const RoomName& name, const UserId& by, bool make);
  void opened(const RoomName& name, const UserId& by, Result<RoomRow> row);
  void not_opened(const RoomName& name, const UserId& by, Refusal refusal);
  Room* load(const RoomName& name, admission::Permit place, RoomRow row);
  // Unloads the room, and deletes it from the store if it never had a message.
  void unload(const RoomName& name);
  void forgotten(const RoomName& name);
  // Charges the room's allowance. A refusal: it is used up, and the user is not among those still served.
  [[nodiscard]] std::optional<Refusal> crowded(Room& room, const UserId& user);
  Room* find(const RoomName& name);
  void fill(Room& room, RoomRow row);
  [[nodiscard]] bool is_member(const Room& room, const UserId& user) const;
  [[nodiscard]] std::optional<Refusal> check(const Room& room, const Actor& actor, Act act) const;
  void show_presence(Room& room, const Actor& actor, AnswerLimit limit, Completion<PresenceNow> done);
  // Some of the present users, and their number.
  using MembersShown = std::move_only_function<void(Room&, Result<engine::PresentMembers>)>;
  void shown_members(Room& room, const AnswerLimit& answer, MembersShown done);

  void list_for_join(Joining joining, Room& room);
  void read_for_join(Joining joining, Room& room, int tries);
  void read_newest_for_join(Joining joining, Room& room, int tries);
  void answer_join(Joining joining, Room& room, const JoinPlan& plan, HistoryPage page, int tries);
  void finish_join(Joining joining, Room& room, const Recovery& recovery, HistoryPage page, int tries);
  void answer_with_members(Joining joining, Room& room, const Recovery& recovery, HistoryPage page, int tries,
      engine::PresentMembers present);
  void join_failed(Joining& joining, Room* room, Refusal refusal);
  void read_part(Room& room, Actor by, HistoryQuery query, Completion<HistoryPart> done);
  void read_message(Room& room, Actor by, Offset offset, Completion<MessageFound> done);
  [[nodiscard]] Result<HistoryPart> history_part(
      const Room& room, const Actor& actor, const HistoryQuery& query, Offset up_to, Result<HistoryPage> page) const;
  [[nodiscard]] Result<MessageFound> message_found(
      const Room& room, const Actor& actor, Result<HistoryPage> page) const;
  // Keeps the messages that fit into the answer, of which `beside` bytes are used otherwise. False: some did not fit.
  [[nodiscard]] static bool fit(const RoomName& room, const Epoch& epoch, std::vector<Message>& messages, Keep keep,
      const AnswerLimit& answer, std::size_t beside);

  // Publishes a stored change.
  void changed(Room& room, const Change& change);
  void note_change(Room& room, const Change& change);
  [[nodiscard]] static EventPtr event_of(const Room& room, const Change& change);
  // Applies the changes that were made while the page was read.
  static void apply_fresh(const Room& room, HistoryPage& page);
  void look_further(std::unique_ptr<Occupancy> state);
  // Add or remove a subscriber on a loop. The loop listens to the room as long as it has subscribers.
  void listen(Room& room, ListenerId listener, Completion<bool> done);
  void listen_no_more(Room& room, ListenerId listener);
  void broadcast(Room& room, EventPtr event); // to all loops that listen to the room to the room
  void to_user(const UserId& user, EventPtr event, SessionKey except = {});
  void send(engine::ControlMessage message); // to all nodes and loops
  void publish_now(                          // presence, typing
      Room& room, decltype(Event::body) body, const UserId& except = {}, std::uint64_t order = 0);
  // Carries out the actions of the room's follower (rooms/model/stream_follower.h).
  void act(Room& room, const Actions& actions);
  void read_missing(Room& room, const ReadHistory& read);
  // Resets the subscribers, or closes them with HISTORY_UNREADABLE so that they continue from their last offset.
  void lost(Room& room, const Lost& lost);
  // Other nodes (other_nodes.cc). A shared room may be used by any of them.
  class FromNodes;
  [[nodiscard]] bool is_shared(const Room& room) const;
  [[nodiscard]] bool in_shared_log(const Room& room) const;
  void opened_again(const engine::RoomLog* log);
  void removed_here(const RoomName& name, bool removed, Completion<RoomDestroyed> done);
  // Opens a room of the shared log that the caller may not create.
  void find_in_shared_log(const RoomName& name, const Actor& actor, Operation operation);
  void load_from_memory(const RoomName& name, const Actor& actor, RoomKind kind, Operation operation);
  // A change of presence on another node. False: a later one of this user is known already.
  [[nodiscard]] bool note_presence(Room& room, const Event& event, bool own);
  void read_members(Room& room);
  [[nodiscard]] std::shared_ptr<engine::FanoutListener> listener_to_nodes();
  void follow_on_nodes(Room& room);
  void drop(const RoomName& name); // from memory
  void announce(Room& room, EventPtr event);
  void look(Room& room);
  void seen(Room& room, const HistoryPage& page, std::vector<Operation> asked);
  void not_seen(Room& room, const Refusal& why, std::vector<Operation> asked);
  void show_changes(Room& room, const HistoryPage& page);
  // Runs `operation` once everything is delivered that was stored before, by whatever node.
  void when_current(Room& room, Operation operation);
  void caught_up(Room& room);
  void doubt_members(Room& room);
  void destroyed_elsewhere(Room& room);
  // Runs `then` if the actor may do it. Somebody who is no member here is looked up in the store, since another node
  // may have added it.
  void if_allowed(Room& room, const Actor& actor, Act act, Operation then);
  void read_membership(Room& room, const UserId& user, Operation then);
  // Requests the room's position from the writer. Commands wait for the answer.
  void confirm(Room& room);
  void confirm_more(); // starts with the next rooms of to_confirm_, at most kConfirmAtOnce at a time
  void confirmed(Room& room, Standpoint asked, Result<RoomRow> row);
  void members_confirmed(Room& room, std::vector<UserId> members);
  // The room's history restarts: subscribers get RoomReset, and their subscriptions end.
  void reset(Room& room, const Epoch& epoch, Offset offset);
  // Publishes a stored message and answers its sender.
  void stored(Room& room, Message message, Appended appended, Completion<Published> done);
  void send_invitation(const UserId& to, const Invitation& invitation);
  void entered(const RoomName& room, const UserId& user);
  enum class Where : std::uint8_t { here, everywhere }; // the nodes that are told
  void removed_from(Room& room, const UserId& user, Where where);
  void member_came(Room& room, const Actor& actor);
  void member_went(Room& room, const UserId& user, std::size_t before); // `before`: users present before
  [[nodiscard]] static bool is_idle(const Room& room); // no subscriber, no user present, no request in progress
  void schedule(Room& room);
  [[nodiscard]] Millis unload_after(const Room& room) const;
  void on_timer(Room& room);
  // A completion for the store, which runs `function` on this loop with the room. The room stays loaded until then.
  template <class T, class Function>
  Completion<T> on_loop(Room& room, Function function);
  // A completion for the room's log. The log in memory belongs to this loop and answers before the call returns.
  template <class T, class Function>
  Completion<T> from_log(Room& room, Function function);
  // As the first, without a room.
  template <class T, class Function>
  Completion<T> on_loop(Function function);
  // A completion for the presence store, which answers before the call returns if there is one node.
  template <class T, class Function>
  Completion<T> from_presence(Room& room, Function function);

  io::Loop& loop_;
  engine::RoomLog* log_;
  engine::RoomDirectory* directory_;
  const Outlets outlets_;
  const Homes& homes_;
  const RoomPolicy& policy_;
  Counter& published_;
  Counter& rooms_refused_;       // because of rooms_loaded
  engine::MemoryRoomLog memory_; // the history of rooms that are not durable
  std::uint64_t openings_ = 0;   // how often the store was reopened
  std::deque<RoomName> to_confirm_;
  std::size_t confirming_ = 0;
  std::unordered_map<RoomName, std::unique_ptr<Room>> rooms_;
  std::size_t occupied_ = 0;
  std::unordered_map<RoomName, std::unique_ptr<Loading>> loading_; // being loaded, or being deleted from the store
  const Allowance allowed_messages_;                               // of one room
  Counter& messages_refused_;
  std::shared_ptr<engine::FanoutListener> from_nodes_;
  std::shared_ptr<bool> alive_; // false once this is destroyed: later answers of the store are dropped
};

} // namespace foyer::rooms
