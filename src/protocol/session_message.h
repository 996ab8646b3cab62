// Messages of a session to its client, as values: answers to commands, and messages about the session itself. Events of
// rooms are rooms::Event.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/refusal.h"
#include "protocol/command.h"
#include "protocol/terms.h"
#include "rooms/requests.h"

namespace foyer::protocol {

using MessageId = std::optional<std::uint64_t>; // `id` of the command that is answered

struct Pong {};
struct Left {
  RoomName room;
};
// The server has ended the client's subscription.
struct SubscriptionEnded {
  RoomName room;
  Cause cause{};
};
struct Refreshed {
  WallTime expires_at{};
};
struct Welcome {
  Identity identity;
  ConnectionId connection = 0;
  ClientTerms terms = {};     // echoed to the client, if it sent any
  std::string_view node = {}; // where the connection is; empty: there is one node
};
// The command or the credential was refused.
struct Refused {
  Refusal refusal;
  Ref ref;
  bool reveal = false; // the operator's text instead of the client's (development)
  bool credential = false;
};
struct TokenExpiring {
  WallTime expires_at{};
};
struct Closing {
  Millis retry_after{};
};

using SessionMessage = std::variant<Pong, Left, SubscriptionEnded, Refreshed, Welcome, Refused, TokenExpiring, Closing,
    rooms::Joined, rooms::Published, rooms::HistoryPart, rooms::PresenceNow, rooms::MessageErased, rooms::RoomCreated,
    rooms::UserInvited, rooms::UserRemoved, rooms::InvitationAccepted, rooms::InvitationTurnedDown,
    rooms::InvitationPage, rooms::RoomsPage>;

// Answers that hold messages, and may therefore be long.
[[nodiscard]] inline bool is_long(const SessionMessage& message) {
  if (const auto* joined = std::get_if<rooms::Joined>(&message)) return !joined->messages.empty();
  return std::holds_alternative<rooms::HistoryPart>(message);
}

} // namespace foyer::protocol
