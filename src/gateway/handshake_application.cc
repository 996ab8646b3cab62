// Asks the application whether a client whose credential was accepted may connect.
#include <fmt/format.h>

#include "base/bytes.h"
#include "gateway/clients.h"
#include "gateway/consent.h"
#include "gateway/handshake.h"
#include "gateway/shard.h"
#include "gateway/websocket_link.h"
#include "rooms/model/room.h"

namespace foyer::gateway {
namespace {

std::unexpected<Refusal> invalid(std::string evidence, std::string field) {
  return refuse_field(Cause::APP_ANSWER_INVALID, std::move(field), std::move(evidence));
}

} // namespace

void Handshake::ask_application(const Identity& identity) {
  phase_ = Phase::asking_application;
  user_ = identity.user.str();
  asked_about_ = &identity;
  kept_ = kept_for_questions();
  shard_.deps().application->connect({.client = {.id = shown(link_.id(), shard_.deps().node_name),
                                          .user = identity.user,
                                          .name = identity.name,
                                          .kept = kept_}},
      shard_.on_loop<asking::ConnectAnswer>(
          [&shard = shard_, id = link_.id()](Result<asking::ConnectAnswer> said) mutable {
    shard.with_handshake(id, [&](Handshake& self) { self.application_answered(std::move(said)); });
  }));
}

void Handshake::application_answered(Result<asking::ConnectAnswer> said) {
  if (phase_ != Phase::asking_application) return;
  door_->application(consent_of(std::move(said)), shard_.loop().wall());
  drive();
}

Result<admission::Consent> Handshake::consent_of(Result<asking::ConnectAnswer> said) {
  // The credential may have been revoked during the question. REVOCATION_UNCHECKED does not count here: the door has
  // checked that before.
  auto revoked = shard_.deps().revocations.check(*asked_about_, shard_.loop().now());
  if (revoked && revoked->cause != Cause::REVOCATION_UNCHECKED) return std::unexpected(std::move(*revoked));
  if (!said) return std::unexpected(std::move(said).error());
  const std::size_t most = shard_.policy().rooms_per_connection;
  if (said->join.size() > most)
    return invalid(
        fmt::format("the answer joins the client to {} rooms; rooms_per_connection={}", said->join.size(), most),
        "channels");
  for (const RoomName& room : said->join)
    if (!rooms::kind_of(room.view()))
      return invalid("not a valid room name: " + printable(room.view(), 128), "channels");
  TRY(consent, gateway::consent_of(*said));
  join_ = std::move(said->join);
  kept_ = asking::with_meta(std::move(kept_), said->meta);
  consent_ = std::make_unique<admission::Consent>(consent);
  return consent;
}

asking::KeptPtr Handshake::kept_for_questions() {
  if (kept_) return kept_;
  const asking::Application* application = shard_.deps().application;
  return application == nullptr ? nullptr : application->keep(request_.headers);
}

} // namespace foyer::gateway
