// Asks the application whether a session may continue, and applies its answers.
//
// A new token is verified first; then the application may be asked about it. A token alone does not move an end that
// the application has set: when it comes, the application is asked again, or the session ends.
#include "gateway/clients.h"
#include "gateway/session.h"
#include "gateway/shard.h"

namespace foyer::gateway {

asking::Client Session::asking_client() const {
  return {.id = shown(link_.id(), shard().deps().node_name),
      .user = user(),
      .name = std::string(identity_.name()),
      .kept = extras_ ? extras_->kept : nullptr};
}

bool Session::asks(asking::Event event, std::string_view room) const {
  const auto* application = shard().deps().application;
  return application != nullptr && application->asks(event, room);
}

bool Session::ends_by_answer() const {
  if (!extras_ || !extras_->consent) return false;
  const auto& end = extras_->consent->expires_at;
  return end && *end != WallTime{} && asks(asking::Event::refresh);
}

void Session::join_as_told(const RoomName& room) {
  const auto& deps = shard().deps();
  Completion<engine::Applied> report = [&deps, room, address = std::string(address()), who = user()](
                                           Result<engine::Applied> done) {
    if (done) return;
    Refusal refusal = std::move(done).error();
    refusal.evidence +=
        (refusal.evidence.empty() ? "" : "; ") + ("the application joins this client to the room " + room.str());
    deps.reporter.report(Ref{deps.entropy.short_id()}, std::move(refusal), address, who.str());
  };
  join_by_server({.who = {}, .room = room, .outcome = std::make_shared<engine::Outcome>(std::move(report))});
}

void Session::ask_to_refresh(const MessageId& id, Identity verified) {
  refreshing_ = true;
  shard().deps().application->refresh({.client = asking_client()},
      shard().to_session<asking::RefreshAnswer>(
          link_.id(), [id, verified = std::move(verified)](Session& self, auto said) mutable {
    self.refresh_answered(id, std::move(verified), std::move(said));
  }));
}

void Session::refresh_answered(const MessageId& id, Identity verified, Result<asking::RefreshAnswer> said) {
  refreshing_ = false;
  if (!link_.open()) return;
  if (!said) {
    // If the application could not be asked, the earlier token stays valid until its end.
    link_.reschedule(); // the end may have come in the meantime
    if (said.error().cause != Cause::APP_REFUSED) return send_refusal(id, std::move(said).error());
    return end_as_answered(id, std::move(said).error());
  }
  const WallTime end = said->expires_at.value_or(WallTime{});
  if (said->expired || (end != WallTime{} && end <= shard().loop().wall()))
    return end_as_answered(
        id, {.cause = Cause::TOKEN_EXPIRED, .evidence = "the application reported the session as expired"});
  if (auto revoked = shard().deps().revocations.check(verified, shard().loop().now())) // in the meantime
    return send_refusal(id, std::move(*revoked));
  agree(std::move(*said));
  renew(id, std::move(verified));
}

// The end that the application set has come: only the application can move it.
void Session::ask_to_stay() {
  refreshing_ = true;
  shard().deps().application->refresh({.client = asking_client()},
      shard().to_session<asking::RefreshAnswer>(
          link_.id(), [](Session& self, auto said) { self.stay_answered(std::move(said)); }));
}

void Session::stay_answered(Result<asking::RefreshAnswer> said) {
  refreshing_ = false;
  if (!link_.open()) return;
  if (!said) return end_as_answered(std::nullopt, std::move(said).error());
  const WallTime end = said->expires_at.value_or(identity_.expires_at());
  if (said->expired || (end != WallTime{} && end <= shard().loop().wall()))
    return end_as_answered(std::nullopt,
        {.cause = Cause::TOKEN_EXPIRED, .evidence = "the application set this expiry and did not extend it"});
  if (said->name) {
    Identity identity = identity_.unpacked();
    identity.name = *said->name;
    identity_ = PackedIdentity(identity);
  }
  identity_.set_expires_at(end);
  said->expires_at = end;
  agree(std::move(*said));
  expiry_announced_ = false;
  link_.reschedule();
  if (service_ == Service::chat) say(std::nullopt, protocol::Refreshed{end});
}

void Session::agree(asking::RefreshAnswer said) {
  Extras& answered = extras();
  answered.kept = asking::with_meta(std::move(answered.kept), said.meta);
  if (!answered.consent) answered.consent = std::make_unique<admission::Consent>();
  if (said.name) answered.consent->name = std::move(said.name);
  answered.consent->expires_at = said.expires_at; // nullopt: the session ends with the new token
}

// The client gets the reason before the Close.
void Session::end_as_answered(const MessageId& id, Refusal refusal) {
  const Ref ref = link_.report(refusal);
  reply(id, protocol::Refused{.refusal = refusal, .ref = ref, .reveal = shard().policy().door.reveal});
  if (link_.open()) link_.close(refusal, ref, refusal.detail);
}

} // namespace foyer::gateway
