#include "rooms/model/event_bytes.h"

#include <initializer_list>
#include <utility>

#include "base/json.h"
#include "base/overloaded.h"
#include "rooms/model/packed.h"

namespace foyer::rooms {
namespace {

// Numbers of the form, for ever: they are not those of the enumerations and the variant.
enum class BodyCode : std::uint8_t {
  none = 0,
  message = 1,
  change = 2,
  member_joined = 3,
  member_left = 4,
  members_changed = 5,
  typing = 6,
  room_reset = 7,
  room_added = 8,
  room_removed = 9,
  invitation = 10,
  invitation_declined = 11,
};

std::uint8_t code_of(Delivery delivery) {
  switch (delivery) {
    case Delivery::history: return 1;
    case Delivery::about_history: return 2;
    case Delivery::ephemeral: return 3;
  }
  return 0;
}
std::uint8_t code_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::deleted: return 1;
    case ChangeKind::author_detached: return 2;
    case ChangeKind::author_erased: return 3;
  }
  return 0;
}
std::uint8_t code_of(BodyType type) {
  switch (type) {
    case BodyType::text: return 1;
    case BodyType::data: return 2;
  }
  return 0;
}

// The value that has the code of the next byte.
template <class Enum>
Enum read_code(PackedReader& in, std::initializer_list<Enum> all) {
  const std::uint8_t code = in.byte();
  for (const Enum each : all)
    if (code_of(each) == code) return each;
  in.fail();
  return *all.begin();
}

void write(PackedWriter& out, const Author& author) {
  out.text(author.id.view());
  out.text(author.name);
}
void write(PackedWriter& out, const Member& member) {
  out.text(member.id.view());
  out.text(member.name);
}
void write(PackedWriter& out, BodyCode code) { out.byte(static_cast<std::uint8_t>(code)); }

void write_body(PackedWriter& out, const Event& event) {
  std::visit(Overloaded{
                 [&](std::monostate) { write(out, BodyCode::none); },
                 [&](const Message& m) {
    write(out, BodyCode::message);
    out.number(m.offset);
    write(out, m.from);
    out.text(m.text);
    out.time(m.time);
    out.text(m.key);
    out.flag(m.deleted);
    out.byte(code_of(m.type));
  },
                 [&](const Change& c) {
    write(out, BodyCode::change);
    out.number(c.number);
    out.byte(code_of(c.kind));
    out.number(c.offset);
    out.text(c.user.view());
  },
                 [&](const MemberJoined& m) {
    write(out, BodyCode::member_joined);
    write(out, m.member);
  },
                 [&](const MemberLeft& m) {
    write(out, BodyCode::member_left);
    write(out, m.member);
  },
                 [&](const MembersChanged& m) {
    write(out, BodyCode::members_changed);
    out.number(m.count);
  },
                 [&](const TypingChanged& t) {
    write(out, BodyCode::typing);
    write(out, t.member);
    out.flag(t.on);
  },
                 [&](const RoomReset& r) {
    write(out, BodyCode::room_reset);
    out.text(r.reason);
  },
                 [&](const RoomAdded&) { write(out, BodyCode::room_added); },
                 [&](const RoomRemoved&) { write(out, BodyCode::room_removed); },
                 [&](const InvitationReceived& i) {
    write(out, BodyCode::invitation);
    out.text(i.invitation.room.view());
    write(out, i.invitation.from);
    out.time(i.invitation.expires);
  },
                 [&](const InvitationDeclined&) { write(out, BodyCode::invitation_declined); },
             },
      event.body);
}

template <class Id>
Id read_id(PackedReader& in) {
  return Id(in.text(kMostEventWord));
}
Author read_author(PackedReader& in) {
  auto id = read_id<UserId>(in);
  return {std::move(id), in.text(kMostEventWord)};
}
Member read_member(PackedReader& in) {
  auto id = read_id<UserId>(in);
  return {std::move(id), in.text(kMostEventWord)};
}

Message read_message(PackedReader& in) {
  Message m;
  m.offset = in.number();
  m.from = read_author(in);
  m.text = in.text(kMostEventBytes);
  m.time = in.time();
  m.key = in.text(kMostEventWord);
  m.deleted = in.flag();
  m.type = read_code(in, {BodyType::text, BodyType::data});
  // Data goes to clients as it is.
  if (m.type == BodyType::data && !json::parse(m.text, {.bytes = kMostEventBytes, .depth = 128})) in.fail();
  return m;
}
Change read_change(PackedReader& in) {
  Change c;
  c.number = in.number();
  c.kind = read_code(in, {ChangeKind::deleted, ChangeKind::author_detached, ChangeKind::author_erased});
  c.offset = in.number();
  c.user = read_id<UserId>(in);
  return c;
}
Invitation read_invitation(PackedReader& in) {
  Invitation i;
  i.room = read_id<RoomName>(in);
  i.from = read_author(in);
  i.expires = in.time();
  return i;
}

void read_body(PackedReader& in, Event& event) {
  switch (static_cast<BodyCode>(in.byte())) {
    case BodyCode::none: return;
    case BodyCode::message: event.body = read_message(in); return;
    case BodyCode::change: event.body = read_change(in); return;
    case BodyCode::member_joined: event.body = MemberJoined{read_member(in)}; return;
    case BodyCode::member_left: event.body = MemberLeft{read_member(in)}; return;
    case BodyCode::members_changed: event.body = MembersChanged{static_cast<std::size_t>(in.number())}; return;
    case BodyCode::typing: {
      auto member = read_member(in);
      event.body = TypingChanged{std::move(member), in.flag()};
      return;
    }
    case BodyCode::room_reset: event.body = RoomReset{in.text(kMostEventWord)}; return;
    case BodyCode::room_added: event.body = RoomAdded{}; return;
    case BodyCode::room_removed: event.body = RoomRemoved{}; return;
    case BodyCode::invitation: event.body = InvitationReceived{read_invitation(in)}; return;
    case BodyCode::invitation_declined: event.body = InvitationDeclined{}; return;
  }
  in.fail();
}

} // namespace

std::string_view to_string(EventFault fault) {
  switch (fault) {
    case EventFault::unknown_version: return "unknown_version";
    case EventFault::malformed: return "malformed";
    case EventFault::too_large: return "too_large";
  }
  return "malformed";
}

std::string to_bytes(const Event& event) {
  PackedWriter out;
  out.byte(kEventVersion);
  out.text(event.room.view());
  out.text(event.epoch.view());
  out.number(event.offset);
  out.byte(code_of(event.delivery));
  out.text(event.except.view());
  write_body(out, event);
  return out.take();
}

std::expected<Event, EventFault> read_event(std::string_view bytes) {
  if (bytes.size() > kMostEventBytes) return std::unexpected(EventFault::too_large);
  PackedReader in(bytes);
  const std::uint8_t version = in.byte();
  if (version > kEventVersion) return std::unexpected(EventFault::unknown_version);
  if (version == 0) return std::unexpected(EventFault::malformed);
  Event event;
  event.room = read_id<RoomName>(in);
  event.epoch = read_id<Epoch>(in);
  event.offset = in.number();
  event.delivery = read_code(in, {Delivery::history, Delivery::about_history, Delivery::ephemeral});
  event.except = read_id<UserId>(in);
  read_body(in, event);
  if (!in.whole()) return std::unexpected(EventFault::malformed);
  return event;
}

} // namespace foyer::rooms
