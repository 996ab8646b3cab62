// Events of rooms as foyer.v1 pushes them.
#include "base/overloaded.h"
#include "protocol/foyer_v1/foyer_v1.h"
#include "protocol/foyer_v1/json_parts.h"

namespace foyer::protocol {

using namespace parts;

namespace {

void member_event(std::string& out, std::string_view type, const RoomName& room, const rooms::Member& member) {
  room_message(out, type, std::nullopt, room);
  append(out, R"(,"user":)");
  user_object(out, ref(member));
}

void message_event(
    std::string& out, const RoomName& room, const Epoch& epoch, const rooms::Message& message, BodyForm form) {
  room_message(out, "message", std::nullopt, room);
  string_member(out, "epoch", epoch.view());
  message_members(out, message, form);
}

BodyForm body_form_of(Form form) {
  return form == Form::brief ? BodyForm::brief : form == Form::other ? BodyForm::any : BodyForm::text;
}

} // namespace

Form FoyerV1::form_for(const rooms::Event& event, const ClientTerms& terms) const {
  const auto if_has = [&terms](Feature feature, Form with, Form without) {
    return terms.features.has(feature) ? with : without;
  };
  return std::visit(Overloaded{[&](const rooms::Message& m) {
    return m.type == rooms::BodyType::data ? if_has(Feature::data, Form::other, Form::whole) : Form::whole;
  },
                        // Clients that do not name the feature are told what to take off the screen, without a number.
                        [&](const rooms::Change& c) {
    return if_has(
        Feature::changes, Form::other, c.kind == rooms::ChangeKind::author_detached ? Form::none : Form::whole);
  }, [&](const rooms::RoomReset&) { return if_has(Feature::room_reset, Form::whole, Form::none); },
                        [&](const rooms::InvitationReceived&) {
    return if_has(Feature::people, Form::whole, Form::none);
  }, [&](const rooms::InvitationDeclined&) { return if_has(Feature::people, Form::whole, Form::none); },
                        [](const auto&) { return Form::whole; }},
      event.body);
}

void FoyerV1::write(std::string& out, const rooms::Event& event, Form form) const {
  const RoomName& room = event.room;
  std::visit(Overloaded{[](const std::monostate&) {},
                 [&](const rooms::Message& m) { message_event(out, room, event.epoch, m, body_form_of(form)); },
                 [&](const rooms::Change& c) {
    room_message(out, type_of(c), std::nullopt, room);
    change_members(out, c, form == Form::other);
  }, [&](const rooms::MemberJoined& e) { member_event(out, "member_joined", room, e.member); },
                 [&](const rooms::MemberLeft& e) { member_event(out, "member_left", room, e.member); },
                 [&](const rooms::MembersChanged& e) {
    room_message(out, "members_changed", std::nullopt, room);
    number_member(out, "member_count", e.count);
  },
                 [&](const rooms::TypingChanged& e) {
    member_event(out, "typing", room, e.member);
    bool_member(out, "on", e.on);
  },
                 [&](const rooms::RoomReset& e) {
    room_message(out, "room_reset", std::nullopt, room);
    string_member(out, "epoch", event.epoch.view());
    number_member(out, "offset", event.offset);
    string_member(out, "reason", e.reason);
  }, [&](const rooms::RoomAdded&) { room_message(out, "room_added", std::nullopt, room); },
                 [&](const rooms::RoomRemoved&) { room_message(out, "room_removed", std::nullopt, room); },
                 [&](const rooms::InvitationDeclined&) { room_message(out, "declined", std::nullopt, room); },
                 [&](const rooms::InvitationReceived& e) {
    open(out, "invitation");
    out.push_back(',');
    append(out, R"("from":)");
    user_object(out, ref(e.invitation.from));
    string_member(out, "room", e.invitation.room.view());
    time_member(out, "expires_at", e.invitation.expires);
  }},
      event.body);
  out.push_back('}');
}

} // namespace foyer::protocol
