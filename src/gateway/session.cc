#include "gateway/session.h"

#include "gateway/shard.h"

namespace foyer::gateway {

namespace {

Identity with_user(Identity identity) {
  if (identity.user.empty()) identity.user = UserId{"anonymous"}; // /ws/echo with echo = open
  return identity;
}

} // namespace

Session::Session(Link& link, Entered entered)
    : link_(link),
      identity_(with_user(std::move(entered.identity))),
      user_permit_(std::move(entered.user_permit)),
      address_permit_(std::move(entered.address_permit)),
      service_(entered.service) {
  if (entered.kept) extras().kept = std::move(entered.kept);
  if (entered.consent) extras().consent = std::move(entered.consent);
  if (!entered.address.empty() && entered.address != link.transport().peer_address())
    address_ = std::make_unique<const std::string>(std::move(entered.address));
}

Session::~Session() = default;

void Session::begin(MessageId id) {
  if (service_ == Service::echo) return;
  use_ = shard().users().of(user(), shard().loop().now());
  say(id,
      protocol::Welcome{.identity = identity_.unpacked(),
          .connection = link_.id(),
          .terms = link_.terms(),
          .node = shard().deps().node_name});
  introduce();
}

// Input

// Receives the commands of one message. Created for each message, which saves a vtable pointer in every session.
class Session::Commands final : public protocol::CommandSink {
 public:
  explicit Commands(Session& session) : session_(session) {}
  void on_command(const protocol::Command& command, std::string_view text) override {
    session_.on_command(command, text);
  }
  void on_bad_command(const protocol::BadCommand& bad, std::string_view text) override {
    session_.on_bad_command(bad, text);
  }

 private:
  Session& session_;
};

void Session::on_text(std::string_view text) {
  Commands sink(*this);
  shard().codec().read(text, sink);
}

void Session::on_command(const protocol::Command& command, std::string_view text) {
  if (!link_.open()) return;
  auto refusal = link_.beyond_allowance(protocol::cost_of(command));
  if (link_.open()) take_command(text, command.type, &command, command.id, std::move(refusal));
}

void Session::on_bad_command(const protocol::BadCommand& bad, std::string_view text) {
  if (!link_.open()) return;
  if (link_.one_bad_message_too_many())
    return link_.end({.cause = Cause::TOO_MANY_BAD_MESSAGES, .evidence = bad.what, .retry_after = Millis{10'000}});
  take_command(text, protocol::CommandType::ping, nullptr, bad.id,
      Refusal{.cause = Cause::BAD_MESSAGE, .evidence = bad.what, .field = bad.field});
}

// Output

void Session::say(MessageId id, const protocol::SessionMessage& message) {
  link_.send(id, message, Link::Lane::common);
}

void Session::reply(MessageId id, const protocol::SessionMessage& message) {
  if (link_.open()) link_.send(id, message, Link::Lane::answer);
}

void Session::send_refusal(MessageId id, Refusal refusal) {
  if (!link_.open()) return;
  const Ref ref = link_.report(refusal);
  // In the lane of answers: a client that sends too fast must get the refusal, which does not make it a slow consumer.
  reply(id, protocol::Refused{.refusal = std::move(refusal), .ref = ref, .reveal = shard().policy().door.reveal});
}

void Session::send_closing(Millis retry_after) {
  if (chats()) say(std::nullopt, protocol::Closing{retry_after});
}

// Time

std::optional<Millis> Session::next_deadline() const {
  const GatewayPolicy& policy = shard().policy();
  std::optional<WallTime> next;
  if (identity_.expires_at() != WallTime{} && !(ends_by_answer() && refreshing_))
    next = ends_by_answer() ? identity_.expires_at()
        : expiry_announced_ ? identity_.expires_at() + policy.leeway
                            : identity_.expires_at() - policy.token_warning;
  if (extras_)
    for (const RoomPass& pass : extras_->passes)
      if (pass.ends != kNoEnd) next = next ? std::min(*next, pass.ends) : pass.ends;
  if (!next) return std::nullopt;
  return std::chrono::duration_cast<Millis>(*next - shard().loop().wall());
}

void Session::on_time() {
  const auto wall = shard().loop().wall();
  if (ends_by_answer()) {
    if (wall >= identity_.expires_at() && !refreshing_) ask_to_stay();
  } else if (identity_.expires_at() != WallTime{}) {
    if (wall >= identity_.expires_at() + shard().policy().leeway)
      return link_.end({.cause = Cause::TOKEN_EXPIRED, .evidence = "the token expired while the connection was open"});
    if (!expiry_announced_ && wall >= identity_.expires_at() - shard().policy().token_warning) {
      expiry_announced_ = true;
      if (service_ == Service::chat) say(std::nullopt, protocol::TokenExpiring{identity_.expires_at()});
    }
  }
  end_passes([wall](const RoomPass& pass) {
    return wall < pass.ends ? std::nullopt : std::optional(Cause::ROOM_TOKEN_EXPIRED);
  });
  if (order_.stuck(shard().loop().now()))
    link_.end({.cause = Cause::BUSY,
        .evidence = "a command was not answered in time, and later commands wait for it",
        .retry_after = Millis{1'000}});
}

void Session::unsubscribed(const RoomName& room) {
  if (extras_) std::erase_if(extras_->passes, [&](const RoomPass& pass) { return pass.room == room; });
}

void Session::end_passes(const std::function<std::optional<Cause>(const RoomPass&)>& why) {
  if (!extras_) return;
  struct Over {
    RoomName room;
    Cause cause{};
    bool by_token = true;
  };
  std::vector<Over> over;
  std::erase_if(extras_->passes, [&](const RoomPass& pass) {
    const auto cause = why(pass);
    if (cause) over.push_back({.room = pass.room, .cause = *cause, .by_token = pass.token.has_value()});
    return cause.has_value();
  });
  for (const Over& pass : over)
    if (!pass.by_token || !has_token_for(pass.room.view())) end_subscription(pass.room, pass.cause);
}

bool Session::has_token_for(std::string_view room) const {
  if (std::ranges::find(identity_.rooms(), room) != identity_.rooms().end()) return true;
  return extras_ && std::ranges::any_of(extras_->passes, [&](const RoomPass& pass) {
    return pass.token && pass.room.view() == room;
  });
}

bool Session::is_let_in(std::string_view room) const {
  return extras_ && std::ranges::any_of(extras_->passes, [&](const RoomPass& pass) {
    return pass.token && pass.ends == kNoEnd && pass.room.view() == room;
  });
}

void Session::check_revocation() {
  if (!link_.open()) return;
  auto refusal = shard().deps().revocations.check(identity_.for_revocation(), shard().loop().now());
  // A table that may be outdated does not end an established session.
  if (refusal && refusal->cause != Cause::REVOCATION_UNCHECKED) return link_.end(std::move(*refusal));
  end_passes([this](const RoomPass& pass) -> std::optional<Cause> {
    if (!pass.token) return std::nullopt;
    const auto revoked = shard().deps().revocations.check(pass.token->for_revocation(), shard().loop().now());
    if (!revoked || revoked->cause == Cause::REVOCATION_UNCHECKED) return std::nullopt;
    return revoked->cause;
  });
}

} // namespace foyer::gateway
