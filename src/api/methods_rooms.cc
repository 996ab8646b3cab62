// Methods about rooms, who belongs to them, and people.
#include "api/fields.h"
#include "api/handlers.h"
#include "api/method_groups.h"

namespace foyer::api {
namespace {

using enum Treatment;

constexpr std::array kMemberAdd{kChannel, kPerson, kIdempotencyKey};
constexpr std::array kMemberRemove{kChannel, kUser, kIdempotencyKey};
constexpr std::array kRooms{Field{.name = "pattern",
                                .type = Type::text,
                                .says = "Only rooms whose names match; * stands for anything.",
                                .most = kNameLength,
                                .grammar = Grammar::pattern},
    Field{.name = "after",
        .type = Type::text,
        .says = "The `next` of the answer before.",
        .most = kNameLength,
        .grammar = Grammar::pattern},
    Field{.name = "limit",
        .type = Type::number,
        .says = "The most rooms; 100 if absent.",
        .least = 1,
        .most = kMostRooms}};
constexpr std::array kRoomRow{Field{.name = "channel", .type = Type::text, .says = "The name.", .required = true},
    Field{.name = "kind", .type = Type::text, .says = "public, private, direct or own.", .required = true}, kOffset,
    kEpoch};
constexpr std::array kRoomsAnswer{Field{.name = "rooms",
                                      .type = Type::objects,
                                      .says = "By name: the stored rooms that the key's right reaches.",
                                      .required = true,
                                      .members = kRoomRow},
    Field{.name = "next", .type = Type::text, .says = "There may be more: the `after` of the next call."}};
constexpr std::array kRoomCreate{Field{.name = "channel",
                                     .type = Type::text,
                                     .says = "The name of the room, which begins with private:.",
                                     .required = true,
                                     .grammar = Grammar::private_room,
                                     .alias = "room"},
    Field{.name = "members",
        .type = Type::texts,
        .says = "The ids of its first members.",
        .required = true,
        .least = 1,
        .most = kMostMembers,
        .grammar = Grammar::user},
    kIdempotencyKey};
constexpr std::array kRoomMembersAnswer{
    Field{.name = "kind", .type = Type::text, .says = "public, private, direct or own.", .required = true},
    Field{.name = "members",
        .type = Type::texts,
        .says = "The ids of the members of a private or direct room.",
        .required = true}};
constexpr std::array kAddedAnswer{
    Field{.name = "added", .type = Type::flag, .says = "False: was a member already.", .required = true}};
constexpr std::array kUpsert{kPerson,
    Field{.name = "name",
        .type = Type::text,
        .says = "Shown to others.",
        .required = true,
        .least = 1,
        .most = kNameLength},
    kIdempotencyKey};
constexpr std::array kForgetAnswer{
    Field{.name = "found", .type = Type::flag, .says = "Something of the user was stored.", .required = true}};
constexpr std::array kCreateCauses{Cause::ROOM_EXISTS, Cause::ROOM_LIMIT};
constexpr std::array kMemberCauses{Cause::NOT_A_MEMBER, Cause::PERMISSION_DENIED, Cause::ROOM_LIMIT, Cause::BUSY};

constexpr std::array kMethods{
    Method{.name = "rooms",
        .says = "Lists the stored rooms, page by page. Rooms that are kept in memory only are in `channels` while "
                "somebody has joined them.",
        .needs = "rooms:PATTERN, whatever the pattern; the answer has the rooms that it reaches",
        .fields = kRooms,
        .answer = kRoomsAnswer,
        .run = rooms_of_server},
    Method{.name = "room_create",
        .says = "Creates a private room with members. Public and own rooms need no creation: they exist as soon as "
                "they are used.",
        .changes = "rooms",
        .needs = "rooms:ROOM",
        .fields = kRoomCreate,
        .causes = kCreateCauses,
        .run = room_create,
        .logged = true},
    Method{.name = "room_delete",
        .says =
            "Deletes a room with its messages and members. Who has joined it is told with room_reset or room_removed.",
        .changes = "rooms",
        .needs = "rooms:ROOM",
        .fields = kChannelOnce,
        .causes = kRoomCauses,
        .run = room_delete,
        .logged = true},
    Method{.name = "room_members",
        .says = "Lists the members of a room.",
        .needs = "members:ROOM",
        .fields = kOnlyChannel,
        .answer = kRoomMembersAnswer,
        .causes = kRoomCauses,
        .run = room_members},
    Method{.name = "member_add",
        .says = "Makes a user a member of a private room, or of a public one whose rule asks for members, without an "
                "invitation.",
        .changes = "members",
        .needs = "members:ROOM",
        .fields = kMemberAdd,
        .answer = kAddedAnswer,
        .causes = kMemberCauses,
        .run = member_add,
        .logged = true},
    Method{.name = "member_remove",
        .says = "Takes a user out of a private room. A room that loses its last member is deleted.",
        .changes = "members",
        .needs = "members:ROOM",
        .fields = kMemberRemove,
        .causes = kMemberCauses,
        .run = member_remove,
        .logged = true},
    Method{.name = "user_upsert",
        .says = "Makes a person known by id and name, before the first visit or after a change of name.",
        .changes = "users",
        .needs = "users:write",
        .fields = kUpsert,
        .run = user_upsert,
        .logged = true},
    Method{.name = "user_forget",
        .says = "Erases all that a person wrote, and the name; ends all memberships and invitations, and deletes the "
                "person's own room.",
        .changes = "users, members, rooms",
        .needs = "users:write",
        .fields = kUserOnce,
        .answer = kForgetAnswer,
        .run = user_forget,
        .logged = true},
    Method{.name = "user_export",
        .says = "All that is stored of a person, as lines of JSON: `person`, `account` and `session` where this "
                "process has the accounts, `member`, `invitation`, `message`, and `end` when it is whole. Not in a "
                "batch.",
        .needs = "export",
        .fields = kOnlyUser,
        .stream = user_export},
};

} // namespace

std::span<const Method> room_methods() { return kMethods; }

} // namespace foyer::api
