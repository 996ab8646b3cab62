// The values of rooms/model that are stored here, under short names. For the implementations.
#pragma once

#include "rooms/model/directory.h"
#include "rooms/model/history.h"
#include "rooms/model/room.h"
#include "rooms/model/room_rules.h"

namespace foyer::engine {

using rooms::Appended;
using rooms::AppendRequest;
using rooms::Author;
using rooms::BodyType;
using rooms::Change;
using rooms::ChangeKind;
using rooms::Detached;
using rooms::Direct;
using rooms::Erased;
using rooms::Forget;
using rooms::HistoryPage;
using rooms::HistoryRequest;
using rooms::Invitation;
using rooms::InvitationPage;
using rooms::Invited;
using rooms::kDetachedName;
using rooms::kHistoryLimit;
using rooms::kind_of;
using rooms::kInvitationLife;
using rooms::kInvitationsShown;
using rooms::kKeyLife;
using rooms::Known;
using rooms::kRecoverableChanges;
using rooms::matches;
using rooms::Message;
using rooms::OpenRequest;
using rooms::RoomKind;
using rooms::RoomNames;
using rooms::RoomRow;
using rooms::RoomRules;
using rooms::RoomsPage;
using rooms::RoomsRequest;

} // namespace foyer::engine
