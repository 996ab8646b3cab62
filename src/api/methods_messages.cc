// Methods about messages and who is there.
#include "api/fields.h"
#include "api/handlers.h"
#include "api/method_groups.h"

namespace foyer::api {
namespace {

using enum Treatment;

constexpr std::array kFrom{
    Field{
        .name = "id", .type = Type::text, .says = "The id of the user.", .required = true, .grammar = Grammar::person},
    Field{.name = "name",
        .type = Type::text,
        .says = "Shown to others; the id if absent.",
        .least = 1,
        .most = kNameLength}};
constexpr Field kData{.name = "data",
    .type = Type::any,
    .says = "Any JSON, at most text_bytes; delivered and read again to the letter, but for blanks between its parts.",
    .choice = true};
constexpr Field kMessage{.name = "message",
    .type = Type::text,
    .says = "In place of data: the text of a chat message, at most text_bytes.",
    .choice = true};
constexpr Field kPublishAs{.name = "from",
    .type = Type::object,
    .says =
        "Publishes in the name of this user; needs the right as_user. Otherwise the application publishes as itself.",
    .members = kFrom};
constexpr Field kB64Data{
    .name = "b64data", .type = Type::text, .says = "binary data is not supported", .treatment = refused};
constexpr Field kSkipHistory{.name = "skip_history",
    .type = Type::flag,
    .says = "whether a room keeps its messages is decided by the configuration of the room",
    .treatment = refused};
constexpr Field kTags{.name = "tags", .type = Type::object, .says = "tags are not stored", .treatment = refused};
constexpr Field kDelta{
    .name = "delta", .type = Type::flag, .says = "messages are always delivered whole", .treatment = refused};
constexpr Field kVersion{.name = "version",
    .type = Type::number,
    .says = "every message counts; older versions are not dropped",
    .treatment = refused};
constexpr Field kVersionEpoch{.name = "version_epoch", .type = Type::text, .says = "see version", .treatment = refused};
constexpr std::array kPublish{kChannel, kData, kMessage, kPublishAs, kIdempotencyKey, kB64Data, kSkipHistory, kTags,
    kDelta, kVersion, kVersionEpoch};
constexpr std::array kBroadcast{Field{.name = "channels",
                                    .type = Type::texts,
                                    .says = "The names of the rooms.",
                                    .required = true,
                                    .least = 1,
                                    .most = kMostChannels,
                                    .grammar = Grammar::room,
                                    .alias = "rooms"},
    kData, kMessage, kPublishAs, kIdempotencyKey, kB64Data, kSkipHistory, kTags, kDelta, kVersion, kVersionEpoch};
constexpr std::array kResponse{
    Field{.name = "result", .type = Type::object, .says = "If it was published.", .members = kPosition},
    Field{.name = "error", .type = Type::object, .says = "If it was not.", .members = kErrorMembers}};
constexpr std::array kBroadcastAnswer{Field{.name = "responses",
    .type = Type::objects,
    .says = "One for each room, in the order of the request.",
    .required = true,
    .members = kResponse}};
constexpr std::array kSince{
    Field{.name = "offset", .type = Type::number, .says = "The last position known.", .most = kMostOffset},
    Field{.name = "epoch",
        .type = Type::text,
        .says = "Of that position; without it any epoch will do.",
        .most = kNameLength}};
constexpr std::array kHistory{kChannel,
    Field{.name = "limit",
        .type = Type::number,
        .says = "The most publications; 0: only the position, -1: as many as fit into an answer.",
        .least = -1,
        .most = kMostRead},
    Field{.name = "since",
        .type = Type::object,
        .says = "Publications after this position (with reverse: before it).",
        .members = kSince},
    Field{.name = "reverse", .type = Type::flag, .says = "The newest first."}};
constexpr std::array kConnInfo{Field{.name = "name", .type = Type::text, .says = "Shown to others.", .required = true}};
constexpr std::array kClientInfo{
    Field{.name = "user", .type = Type::text, .says = "The id of the user.", .required = true},
    Field{.name = "client", .type = Type::text, .says = "The connection; empty for a publication.", .required = true},
    Field{.name = "conn_info",
        .type = Type::object,
        .says = "The name of the user.",
        .required = true,
        .members = kConnInfo}};
constexpr std::array kPublication{kOffset,
    Field{.name = "data",
        .type = Type::any,
        .says = "As it was published; {\"message\":…} for a chat message.",
        .required = true},
    Field{.name = "info", .type = Type::object, .says = "Who published it.", .required = true, .members = kClientInfo},
    Field{.name = "time", .type = Type::number, .says = "When, in milliseconds since 1970.", .required = true}};
constexpr std::array kHistoryAnswer{Field{.name = "publications",
                                        .type = Type::objects,
                                        .says = "Ascending; with reverse descending.",
                                        .required = true,
                                        .members = kPublication},
    kOffset, kEpoch};
constexpr std::array kPresenceAnswer{
    Field{.name = "presence",
        .type = Type::map,
        .says = "By client: the connections that have joined the room, at most 10,000.",
        .required = true,
        .members = kClientInfo},
    kMissingNodes};
constexpr std::array kStatsAnswer{
    Field{.name = "num_clients", .type = Type::number, .says = "Connections that have joined.", .required = true},
    Field{.name = "num_users", .type = Type::number, .says = "Users of these connections.", .required = true},
    kMissingNodes};
constexpr std::array kChannels{Field{.name = "pattern",
    .type = Type::text,
    .says = "Only rooms whose names match; * stands for anything.",
    .most = kNameLength,
    .grammar = Grammar::pattern}};
constexpr std::array kChannelInfo{
    Field{.name = "num_clients", .type = Type::number, .says = "Connections that have joined.", .required = true}};
constexpr std::array kChannelsAnswer{
    Field{.name = "channels",
        .type = Type::map,
        .says = "By room: the rooms that somebody has joined and that the key may read.",
        .required = true,
        .members = kChannelInfo},
    kMissingNodes};
constexpr std::array kNode{
    Field{.name = "uid", .type = Type::text, .says = "Of this run of the server.", .required = true},
    Field{.name = "name", .type = Type::text, .says = "The same, readable.", .required = true},
    Field{.name = "version", .type = Type::text, .says = "Of Foyer.", .required = true},
    Field{.name = "num_clients", .type = Type::number, .says = "Open connections.", .required = true},
    Field{.name = "num_users", .type = Type::number, .says = "Users with a connection.", .required = true},
    Field{.name = "num_channels", .type = Type::number, .says = "Rooms that somebody has joined.", .required = true},
    Field{
        .name = "num_subs", .type = Type::number, .says = "Connections, counted once in each room.", .required = true},
    Field{.name = "uptime", .type = Type::number, .says = "Seconds.", .required = true}};
constexpr std::array kInfoAnswer{
    Field{
        .name = "nodes", .type = Type::objects, .says = "The nodes of the server.", .required = true, .members = kNode},
    kMissingNodes};
constexpr std::array kMessageDelete{kChannel,
    Field{.name = "offset",
        .type = Type::number,
        .says = "Of the message.",
        .required = true,
        .least = 1,
        .most = kMostOffset},
    kIdempotencyKey};
constexpr std::array kMessageDeleteAnswer{
    Field{.name = "offset", .type = Type::number, .says = "Of the message.", .required = true}};
constexpr std::array kCommand{
    Field{.name = "METHOD", .type = Type::object, .says = "The name of a method, and its request."}};
constexpr std::array kBatch{Field{.name = "commands",
                                .type = Type::objects,
                                .says = "Each an object with one member: the name of a method, and its request.",
                                .required = true,
                                .most = kMostCommands,
                                .members = kCommand},
    Field{.name = "parallel", .type = Type::flag, .says = "The order is kept in any case.", .treatment = mapped}};
constexpr std::array kPublishCauses{Cause::MESSAGE_TOO_LARGE, Cause::KEY_REUSED, Cause::NOT_A_MEMBER, Cause::BUSY};
constexpr std::array kReadCauses{Cause::POSITION_UNKNOWN, Cause::HISTORY_OFF, Cause::NOT_A_MEMBER, Cause::BUSY};
constexpr std::array kClearCauses{Cause::HISTORY_OFF, Cause::NOT_FOUND, Cause::NOT_A_MEMBER, Cause::BUSY};
constexpr std::array kPresenceCauses{Cause::NOT_A_MEMBER, Cause::BUSY};
constexpr std::array kMessageCauses{Cause::NOT_FOUND, Cause::NOT_A_MEMBER, Cause::BUSY};
constexpr std::array kBatchCauses{Cause::API_METHOD_UNKNOWN};

constexpr std::array kMethods{
    Method{.name = "publish",
        .says = "Publishes in a room. Answered when the message is stored.",
        .changes = "messages",
        .needs = "publish:ROOM",
        .fields = kPublish,
        .answer = kPosition,
        .causes = kPublishCauses,
        .run = publish,
        .stores_message = true,
        .keeps_order = true},
    Method{.name = "broadcast",
        .says = "Publishes the same in several rooms, in each independently of the others.",
        .changes = "messages",
        .needs = "publish:ROOM for each room",
        .fields = kBroadcast,
        .answer = kBroadcastAnswer,
        .causes = kPublishCauses,
        .run = broadcast,
        .keeps_order = true},
    Method{.name = "history",
        .says = "Reads the publications of a room.",
        .needs = "read:ROOM",
        .fields = kHistory,
        .answer = kHistoryAnswer,
        .causes = kReadCauses,
        .run = history},
    Method{.name = "presence",
        .says = "Tells which connections have joined a room.",
        .needs = "read:ROOM",
        .fields = kOnlyChannel,
        .answer = kPresenceAnswer,
        .causes = kPresenceCauses,
        .run = presence},
    Method{.name = "presence_stats",
        .says = "Tells how many connections have joined a room, and of how many users.",
        .needs = "read:ROOM",
        .fields = kOnlyChannel,
        .answer = kStatsAnswer,
        .causes = kPresenceCauses,
        .run = presence_stats},
    Method{.name = "channels",
        .says = "Lists the rooms that somebody has joined.",
        .needs = "read:PATTERN, whatever the pattern; the answer has the rooms that it reaches",
        .fields = kChannels,
        .answer = kChannelsAnswer,
        .run = channels},
    Method{.name = "info", .says = "Tells how much the server has to do.", .answer = kInfoAnswer, .run = info},
    Method{.name = "history_remove",
        .says = "Removes all messages of a room. Positions continue; keys of messages are forgotten.",
        .changes = "messages",
        .needs = "moderate:ROOM",
        .fields = kChannelOnce,
        .causes = kClearCauses,
        .run = history_remove,
        .logged = true},
    Method{.name = "message_delete",
        .says = "Erases a message for good; its place in the room stays.",
        .changes = "messages",
        .needs = "moderate:ROOM",
        .fields = kMessageDelete,
        .answer = kMessageDeleteAnswer,
        .causes = kMessageCauses,
        .run = message_delete,
        .logged = true},
    Method{.name = "batch",
        .says = "Runs several methods in order. Its answer is {\"replies\":[…]} without `result`, one reply for each "
                "command.",
        .needs = "that of each command",
        .fields = kBatch,
        .causes = kBatchCauses},
};

} // namespace

std::span<const Method> message_methods() { return kMethods; }

} // namespace foyer::api
