// The rows of [[rooms]] (entries.h).
#include "config/entries.h"

namespace foyer::config {
namespace {

#define MEMBER(path) [](void* entry) -> auto& { return static_cast<rooms::RoomRule*>(entry)->path; }

constexpr std::size_t kMostMessages = 1'000'000'000;
constexpr std::size_t kMostDays = 36'500;

const EntryField kRoomFields[] = {
    {.name = "match",
        .slot = MEMBER(match),
        .help = "The rooms: a name in which `*` stands for anything. It reaches private, direct and own rooms only if "
                "it begins with `private:`, `direct:` or `user:`.",
        .rule = Rule::pattern,
        .max = 128,
        .required = true},
    {.name = "join",
        .slot = MEMBER(join),
        .help = "Who may join and read: `anyone`; `members` of the room; `token`: who has a token that names the room; "
                "`app`: whom the application of an [[ask]] table lets in; `nobody`: no client. Direct and own rooms "
                "belong to their users, and take only `members`."},
    {.name = "write",
        .slot = MEMBER(write),
        .help = "Who may write, of those who may join: `anyone`, `members` of the room, `app`: the application of an "
                "[[ask]] table agrees to each message, or `server`: only the server API."},
    {.name = "durable",
        .slot = MEMBER(durable),
        .help = "Whether messages are stored. False: they are kept in memory, and lost at a restart."},
    {.name = "history_messages",
        .slot = MEMBER(history_messages),
        .help = "Messages kept. 0: none; clients get those that are sent while they are connected.",
        .max = kMostMessages},
    {.name = "history_days",
        .slot = MEMBER(history_days),
        .help = "Days after which messages are deleted. 0: never. Not for rooms with `durable = false`.",
        .max = kMostDays},
    {.name = "presence", .slot = MEMBER(presence), .help = "Whether clients learn who is in the room."},
    {.name = "join_events",
        .slot = MEMBER(join_events),
        .help = "Whether those in the room are told who comes and goes."},
    {.name = "typing", .slot = MEMBER(typing), .help = "Whether those in the room are told who is typing."},
};

#undef MEMBER

} // namespace

constinit const EntryKind kRooms = entry_kind<&Config::room_rules>("rooms", "match", 200, kRoomFields);

} // namespace foyer::config
