// An admitted client: its identity, its subscriptions, its commands and the order of their answers, and the expiry of
// its token. Output goes to its Link; a session knows neither frames nor sockets.
//
// A session starts when its link has admitted the client and lives as long as the link, also while the link closes: the
// rooms see the client leave when the link is gone. An idle session owns its identity and its subscriptions only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/door.h"
#include "admission/permit.h"
#include "asking/asking.h"
#include "auth/token_verifier.h"
#include "base/refusal.h"
#include "engine/control_bus.h"
#include "gateway/asked_rooms.h"
#include "gateway/command_order.h"
#include "gateway/link.h"
#include "gateway/memberships.h"
#include "gateway/packed_identity.h"
#include "gateway/reply_to.h"
#include "rooms/actor.h"

namespace foyer::gateway {

class Session {
 public:
  enum class Service : std::uint8_t { chat, echo };
  struct Entered {
    Identity identity;
    Service service = Service::chat;
    std::string address; // the client's, after TRUSTED_PROXIES
    admission::Permit user_permit, address_permit;
    asking::KeptPtr kept = {};                        // for questions to the application
    std::unique_ptr<admission::Consent> consent = {}; // null: the application was not asked
  };
  Session(Link& link, Entered entered);
  ~Session();

  // From the link.
  void begin(MessageId id);            // the link is open; `id`: of the `authenticate` to answer
  void on_text(std::string_view text); // one message of the client; wire::kPadding readable bytes follow it
  void on_time();                      // at next_deadline(); calls at other times are harmless
  [[nodiscard]] std::optional<Millis> next_deadline() const; // from now

  // From the shard; nothing is sent once the link is closing.
  void reply(MessageId id, const protocol::SessionMessage& message); // an answer
  void send_refusal(MessageId id, Refusal refusal);                  // also an answer
  // Runs `send`, which sends the answer to a command, in the command's turn. `command`: see ReplyTo.
  template <class Send>
  void answered(std::uint64_t command, Send send) {
    if (!link_.open()) return;
    if ((command & AskedRooms::kMark) != 0)
      send(), let_room_go(command);
    else
      order_.answer(command, std::move(send));
    go_on();
  }
  void send_closing(Millis retry_after); // the server is about to shut down

  // Actions of an application on this session (session_by_app.cc).
  void set_expiry(WallTime at); // a time that has passed ends the session
  void join_by_server(const engine::Subscribe& request);
  void join_as_told(const RoomName& room); // a room named in the answer to `connect`; a refusal is reported
  // Ends a subscription and notifies the client of the cause. False: it was not subscribed.
  bool end_subscription(const RoomName& room, Cause cause);
  void check_revocation();
  void unsubscribed(const RoomName& room); // a subscription has ended
  [[nodiscard]] Millis charge_user(MonoTime now, std::uint64_t cost) const { return use_->command(now, cost); }

  [[nodiscard]] Link& link() const { return link_; }
  [[nodiscard]] ConnectionId id() const { return link_.id(); }
  [[nodiscard]] Service service() const { return service_; }
  [[nodiscard]] bool chats() const { return link_.open() && service_ == Service::chat; }
  [[nodiscard]] const PackedIdentity& identity() const { return identity_; }
  [[nodiscard]] UserId user() const { return UserId{identity_.user()}; }
  [[nodiscard]] std::string_view address() const {
    return address_ ? std::string_view{*address_} : link_.transport().peer_address();
  }

  // Bookkeeping of the shard.
  Memberships memberships;
  Session* next_of_user = nullptr;
  Session* previous_of_user = nullptr;

 private:
  class Commands;
  void on_command(const protocol::Command& command, std::string_view text);
  void on_bad_command(const protocol::BadCommand& bad, std::string_view text);
  // Runs a command, or answers with its refusal, now or in its turn.
  void take_command(std::string_view text, protocol::CommandType type, const protocol::Command* command, MessageId id,
      std::optional<Refusal> refusal);
  void go_on(); // starts the waiting commands that may start
  void begin(const protocol::Command& command);
  void run(const protocol::Command& command);
  void refuse_command(MessageId id, Refusal refusal); // answers the current command with a refusal
  void join(const protocol::Command& command);
  [[nodiscard]] rooms::JoinRequest join_request(const JoinTicket& ticket, std::uint32_t limit) const;
  struct JoinWish; // a join whose room token is still to be verified
  void check_room_token(JoinWish wish);
  void room_token_checked(JoinWish wish, Result<auth::RoomToken> verified);
  void begin_join(JoinTicket ticket, rooms::JoinRequest request, std::optional<Identity> token);
  // `app_ends`: when the application's permission ends; zero: never; nullopt: the application was not asked.
  void start_join(JoinTicket ticket, rooms::JoinRequest request, const std::optional<Identity>& token,
      std::optional<WallTime> app_ends);
  void typing(RoomName room, bool on);
  void history(const protocol::Command& command);
  void list(const protocol::Command& command);
  void leave(const protocol::Command& command);
  void chat(const protocol::Command& command);
  void publish_data(const protocol::Command& command);
  void publish(MessageId id, rooms::PublishRequest request, std::string_view field);
  // The refusal of a text that is too long or contains control characters.
  [[nodiscard]] std::optional<Refusal> unfit(const rooms::PublishRequest& request, std::string_view field) const;

  // Questions to the application about rooms (session_asked_rooms.cc).
  [[nodiscard]] std::optional<ReplyTo> hold_room(ReplyTo to, const RoomName& room); // nullopt: the command was refused
  bool wait_for_room(std::string_view text, const protocol::Command& command);
  void let_room_go(std::uint64_t number);
  [[nodiscard]] std::string room_of(const protocol::Command& command) const;
  void ask_to_join(JoinTicket ticket, rooms::JoinRequest request, std::optional<Identity> token);
  void join_allowed(JoinTicket ticket, rooms::JoinRequest request, const std::optional<Identity>& token,
      Result<asking::SubscribeAnswer> said);
  void ask_to_publish(MessageId id, rooms::PublishRequest request);
  void publish_allowed(ReplyTo to, rooms::PublishRequest request, Result<asking::PublishAnswer> said);
  void about_room(const protocol::Command& command);
  void about_person(const protocol::Command& command);
  void refresh(const protocol::Command& command);
  void check_refresh_later(const MessageId& id, std::string token, bool with_newest_keys);
  void check_refresh(const MessageId& id, std::string_view token, bool with_newest_keys);
  void keys_answered(const MessageId& id, std::string token, Result<bool> newer);
  void refreshed(const MessageId& id, Result<Identity> verified);
  void renew(const MessageId& id, Identity identity); // `identity`: of a new token, verified

  // Questions to the application about this session (session_application.cc).
  [[nodiscard]] bool asks(asking::Event event, std::string_view room = {}) const;
  [[nodiscard]] asking::Client asking_client() const;
  // The application has set the end of this session and is asked again when it comes.
  [[nodiscard]] bool ends_by_answer() const;
  void ask_to_refresh(const MessageId& id, Identity verified);
  void refresh_answered(const MessageId& id, Identity verified, Result<asking::RefreshAnswer> said);
  void ask_to_stay();
  void stay_answered(Result<asking::RefreshAnswer> said);
  void agree(asking::RefreshAnswer said);
  void end_as_answered(const MessageId& id, Refusal refusal);
  void leave_all();
  void introduce(); // makes the user known to people look-ups
  [[nodiscard]] rooms::Actor actor() const;
  [[nodiscard]] rooms::Actor actor_in(std::string_view room); // with the passes of this session for the room
  [[nodiscard]] bool has_token_for(std::string_view room) const;
  [[nodiscard]] bool is_let_in(std::string_view room) const; // the application joined this session to the room
  // `token`: nullopt for a permission that the application gave when it was asked.
  void add_pass(const RoomName& room, std::optional<PackedIdentity> token, WallTime ends);
  [[nodiscard]] bool needs_token(const RoomName& room) const; // whether its rule requires a room token
  [[nodiscard]] ReplyTo reply_to(MessageId id) const;         // for the current command
  [[nodiscard]] rooms::AnswerLimit answer_limit() const;
  void say(MessageId id,
      const protocol::SessionMessage& message); // within outbox_bytes, without the extra allowance of answers
  [[nodiscard]] Shard& shard() const { return link_.shard(); }

  // Permission for one room, from a room token or from the application.
  struct RoomPass {
    RoomName room;
    std::optional<PackedIdentity> token; // nullopt: given by the application when it was asked
    WallTime ends{}; // a token's exp with the leeway; kNoEnd: the application joined the session to the room
  };
  static constexpr WallTime kNoEnd = WallTime::max();
  // Removes the passes for which `why` gives a cause, and ends their subscriptions unless another token names the room.
  void end_passes(const std::function<std::optional<Cause>(const RoomPass&)>& why);

  // What few sessions have.
  struct Extras {
    std::vector<RoomPass> passes;
    asking::KeptPtr kept;                        // for questions to the application
    std::unique_ptr<admission::Consent> consent; // the application's answer; applies to every later token. Null: none
    std::unique_ptr<AskedRooms> asked;           // null: none
  };
  [[nodiscard]] Extras& extras() {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
  }

  Link& link_;
  PackedIdentity identity_;
  std::unique_ptr<Extras> extras_;
  rooms::UserUsePtr use_;                          // of this user, shared by all its sessions; unlimited for echo
  std::unique_ptr<const std::string> address_;     // null: the address of the transport's peer
  admission::Permit user_permit_, address_permit_; // as long as the socket is open
  std::uint64_t running_ = 0;                      // the current command's number in order_
  [[no_unique_address]] CommandOrder order_;       // the next lie in its padding
  Service service_;
  bool going_on_ = false;
  bool expiry_announced_ = false; // token_expiring was sent
  bool refreshing_ = false;       // a token is being checked, or the application is asked whether the session goes on
};

} // namespace foyer::gateway
