// user_export: all that the chat store, and the accounts of this process, have of a person, as lines of JSON.
#include <deque>
#include <memory>
#include <utility>

#include "api/handlers.h"
#include "api/write.h"

namespace foyer::api {
namespace {

// One question to the store at a time; its answer is the next piece. Whoever wrote in a room has messages anywhere in
// it, so the whole room is read.
class UserExport final : public BodySource, public std::enable_shared_from_this<UserExport> {
 public:
  UserExport(const Context& context, rooms::Actor actor, UserId user)
      : context_(context),
        actor_(std::move(actor)),
        user_(std::move(user)) {}

  void next(Completion<Piece> give) override {
    give_ = std::move(give);
    switch (stage_) {
      case Stage::person: return context_.directory.find_person(user_, then(&UserExport::got_person));
      case Stage::account:
        if (context_.account_lines) return context_.account_lines(user_, then(&UserExport::got_account));
        return got_account({});
      case Stage::belongs:
        return context_.directory.rooms_of({.user = user_, .after = after_}, then(&UserExport::got_rooms));
      case Stage::invitations: return context_.directory.invitations(user_, then(&UserExport::got_invitations));
      case Stage::written:
        return context_.directory.written_by(
            user_, after_.value_or(RoomName{}), kRoomsAtOnce, then(&UserExport::got_written));
      case Stage::messages:
        return context_.rooms.history(actor_,
            {.room = written_.front(), .after = offset_, .limit = rooms::kHistoryLimit}, then(&UserExport::got_part));
      case Stage::end: return hand_over("{\"type\":\"end\"}\n", true);
    }
  }

 private:
  enum class Stage : std::uint8_t { person, account, belongs, invitations, written, messages, end };
  static constexpr std::uint32_t kRoomsAtOnce = 100;

  // Who has left needs no answer any more.
  template <class T>
  Completion<T> then(void (UserExport::*got)(T)) {
    return [weak = weak_from_this(), got](Result<T> result) mutable {
      const auto self = weak.lock();
      if (!self) return;
      if (!result) return std::exchange(self->give_, {})(std::unexpected(std::move(result).error()));
      ((*self).*got)(std::move(*result));
    };
  }
  void hand_over(std::string bytes, bool last = false) {
    std::exchange(give_, {})(Piece{.bytes = std::move(bytes), .last = last});
  }

  void got_account(std::string lines) {
    stage_ = Stage::belongs;
    hand_over(std::move(lines));
  }

  void got_person(std::optional<rooms::Author> person) {
    stage_ = Stage::account;
    json::Object line{{"type", "person"}, {"user", user_.view()}};
    if (person) line["name"] = person->name;
    hand_over(json::write(line) + "\n");
  }

  // Public rooms are listed last and are nobody's.
  void got_rooms(rooms::RoomsPage page) {
    std::string lines;
    bool more = page.more;
    for (const rooms::RoomRow& row : page.rooms) {
      if (row.kind == rooms::RoomKind::public_) {
        more = false;
        break;
      }
      after_ = row.room;
      lines +=
          json::write(json::Object{{"type", "member"}, {"channel", row.room.view()}, {"kind", to_string(row.kind)}}) +
          "\n";
    }
    if (!more) {
      stage_ = Stage::invitations;
      after_.reset();
    }
    hand_over(std::move(lines));
  }

  void got_invitations(rooms::InvitationPage page) {
    std::string lines;
    for (const rooms::Invitation& each : page.invitations)
      lines += json::write(
                   json::Object{{"type", "invitation"}, {"channel", each.room.view()}, {"from", each.from.id.view()}}) +
          "\n";
    stage_ = Stage::written;
    hand_over(std::move(lines));
  }

  void got_written(rooms::RoomNames page) {
    more_written_ = page.more;
    for (RoomName& room : page.rooms) written_.push_back(std::move(room));
    if (!written_.empty()) after_ = written_.back();
    offset_ = 0;
    stage_ = written_.empty() ? Stage::end : Stage::messages;
    hand_over({});
  }

  void got_part(rooms::HistoryPart part) {
    std::string lines;
    for (const rooms::Message& message : part.messages) {
      offset_ = message.offset;
      if (message.from.id != user_ || message.deleted) continue;
      lines += R"({"type":"message","channel":)";
      json::append_string(lines, part.room.view());
      lines += ",\"offset\":" + std::to_string(message.offset) + R"(,"name":)";
      json::append_string(lines, message.from.name);
      lines += ",\"time\":" + std::to_string(message.time.time_since_epoch().count()) + ",\"data\":";
      append_data(lines, message);
      lines += "}\n";
    }
    if (!part.more || part.messages.empty()) {
      written_.pop_front();
      offset_ = 0;
      if (written_.empty()) stage_ = more_written_ ? Stage::written : Stage::end;
    }
    hand_over(std::move(lines));
  }

  const Context& context_;
  const rooms::Actor actor_;
  const UserId user_;
  Completion<Piece> give_;
  Stage stage_ = Stage::person;
  std::optional<RoomName> after_ = {};
  std::deque<RoomName> written_ = {};
  bool more_written_ = false;
  Offset offset_ = 0;
};

} // namespace

Result<std::shared_ptr<BodySource>> user_export(
    const Context& context, const Caller& caller, const Arguments& arguments) {
  TRY_VOID(caller.rights.check(rooms::ApiRight::export_));
  return std::make_shared<UserExport>(context, actor_of(context, caller), UserId{arguments.text("user")});
}

} // namespace foyer::api
