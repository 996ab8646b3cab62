// Methods about connected clients.
#include "api/fields.h"
#include "api/handlers.h"
#include "api/method_groups.h"

namespace foyer::api {
namespace {

using enum Treatment;

constexpr std::string_view kNeedsConnections = "connections";
constexpr Field kClient{.name = "client",
    .type = Type::text,
    .says = "Only this connection: `connection` of authentication_success.",
    .treatment = mapped,
    .most = kNameLength};
constexpr Field kSession{.name = "session",
    .type = Type::text,
    .says = "Only connections of this login: `session` of authentication_success.",
    .treatment = mapped,
    .most = kNameLength};
constexpr Field kInfo{
    .name = "info", .type = Type::any, .says = "users have a name, and nothing else", .treatment = refused};
// What gocent can ask of a subscription.
constexpr Field as_configured(std::string_view name) {
  return {.name = name,
      .type = Type::flag,
      .says = "A room does so, unless its configuration says otherwise.",
      .treatment = mapped};
}
constexpr Field kB64Info{.name = "b64info", .type = Type::text, .says = "see info", .treatment = refused};

constexpr std::array kConnections{
    Field{.name = "user", .type = Type::text, .says = "Only of this user.", .grammar = Grammar::user},
    Field{.name = "address", .type = Type::text, .says = "Only from this network address.", .most = kNameLength},
    Field{.name = "channel",
        .type = Type::text,
        .says = "Only those that have joined this room.",
        .grammar = Grammar::room,
        .alias = "room"},
    Field{.name = "after",
        .type = Type::text,
        .says = "The `next` of the answer before.",
        .most = kNameLength,
        .grammar = Grammar::place},
    Field{.name = "limit",
        .type = Type::number,
        .says = "The most connections; 100 if absent.",
        .least = 1,
        .most = kMostClients}};
constexpr std::array kConnection{
    Field{.name = "client", .type = Type::text, .says = "The id of the connection.", .required = true},
    Field{.name = "node", .type = Type::text, .says = "With several nodes: the one that it is connected to."},
    Field{.name = "user", .type = Type::text, .says = "The id of the user.", .required = true},
    Field{.name = "name", .type = Type::text, .says = "Shown to others.", .required = true},
    Field{.name = "session",
        .type = Type::text,
        .says = "Of the login; empty if the token names none.",
        .required = true},
    Field{.name = "transport", .type = Type::text, .says = "websocket", .required = true},
    Field{.name = "address", .type = Type::text, .says = "The client's network address.", .required = true},
    Field{.name = "since",
        .type = Type::number,
        .says = "When it connected, in milliseconds since 1970.",
        .required = true},
    Field{.name = "last_heard", .type = Type::number, .says = "When its last byte came.", .required = true},
    Field{.name = "expires_at", .type = Type::number, .says = "When it ends; 0: never.", .required = true},
    Field{.name = "queued", .type = Type::number, .says = "Bytes that it has not taken yet.", .required = true},
    Field{.name = "rooms", .type = Type::number, .says = "Rooms that it has joined.", .required = true}};
constexpr std::array kConnectionsAnswer{Field{.name = "connections",
                                            .type = Type::objects,
                                            .says = "Of all nodes. One that stays is on exactly one page.",
                                            .required = true,
                                            .members = kConnection},
    Field{.name = "next", .type = Type::text, .says = "There are more: the `after` of the next call."}, kMissingNodes};

constexpr std::array kUsers{Field{.name = "users",
    .type = Type::texts,
    .says = "The ids of the users.",
    .required = true,
    .least = 1,
    .most = kMostStatuses,
    .grammar = Grammar::user}};
constexpr std::array kStatus{Field{.name = "user", .type = Type::text, .says = "The id.", .required = true},
    Field{.name = "online", .type = Type::flag, .says = "Has a connection.", .required = true},
    Field{.name = "connections", .type = Type::number, .says = "How many.", .required = true},
    Field{.name = "last_seen",
        .type = Type::number,
        .says = "When the user was last heard from, in milliseconds since 1970. Absent: unknown, because no node has "
                "seen the user since it started, or it forgot the user for others."}};
constexpr std::array kStatusAnswer{Field{.name = "statuses",
                                       .type = Type::objects,
                                       .says = "One for each user, in the order of the request.",
                                       .required = true,
                                       .members = kStatus},
    kMissingNodes};

constexpr std::array kDisconnectAs{
    Field{.name = "code",
        .type = Type::number,
        .says = "4000 to 4999: the close code. Others are a part of the reason, behind DISCONNECTED_BY_APP (4403).",
        .treatment = mapped,
        .most = 4'999},
    Field{.name = "reason",
        .type = Type::text,
        .says = "Sent with the close code, up to the 123 bytes that it has in all.",
        .most = kNameLength},
    Field{.name = "reconnect",
        .type = Type::flag,
        .says = "whether a client comes back is decided by the close code",
        .treatment = refused}};
constexpr std::array kDisconnect{kUser, kClient, kSession,
    Field{.name = "whitelist",
        .type = Type::texts,
        .says = "Connections that are kept.",
        .most = kMostKept,
        .grammar = Grammar::key,
        .alias = "ClientWhitelist"}, // as gocent writes it
    Field{.name = "disconnect",
        .type = Type::object,
        .says = "How they are closed: {code, reason}. 4000 to 4999 is the close code; others are a part of the reason.",
        .members = kDisconnectAs},
    kIdempotencyKey};
constexpr std::array kUnsubscribe{kUser, kChannel, kClient, kSession, kIdempotencyKey};
constexpr std::array kRecoverSince{
    Field{.name = "offset", .type = Type::number, .says = "The last position known.", .most = kMostOffset},
    Field{.name = "epoch", .type = Type::text, .says = "Of that position.", .most = kNameLength}};
constexpr std::array kSubscribe{kUser, kChannel, kClient, kSession,
    Field{.name = "recover_since",
        .type = Type::object,
        .says = "`joined` has the messages after this position.",
        .members = kRecoverSince},
    kInfo, kB64Info,
    Field{.name = "data", .type = Type::any, .says = "`joined` has no data of the application", .treatment = refused},
    Field{.name = "b64data", .type = Type::text, .says = "see data", .treatment = refused},
    Field{.name = "expire_at",
        .type = Type::number,
        .says = "a subscription lasts as long as its connection; call unsubscribe",
        .treatment = refused},
    Field{.name = "override",
        .type = Type::object,
        .says = "what a room does is decided by the configuration of the room",
        .treatment = refused},
    as_configured("presence"), as_configured("join_leave"), as_configured("position"), as_configured("recover"),
    kIdempotencyKey};
constexpr std::array kRefresh{kUser, kClient, kSession,
    Field{.name = "expired", .type = Type::flag, .says = "They end at once, as with an expired token."},
    Field{.name = "expire_at",
        .type = Type::number,
        .says = "They end then, in seconds since 1970, instead of with their token. 0: no change.",
        .most = 253'402'300'799},
    kInfo, kIdempotencyKey};
constexpr std::array kSubscribeCauses{Cause::NOT_A_MEMBER, Cause::ROOM_LIMIT, Cause::RATE_LIMITED, Cause::BUSY};

constexpr std::array kMethods{
    Method{.name = "connections",
        .says = "Lists connected clients, page by page.",
        .needs = kNeedsConnections,
        .fields = kConnections,
        .answer = kConnectionsAnswer,
        .run = connections},
    Method{.name = "get_user_status",
        .says = "Tells which users are online, and when the others were last heard from.",
        .needs = "users:read",
        .fields = kUsers,
        .answer = kStatusAnswer,
        .run = get_user_status},
    Method{.name = "disconnect",
        .says = "Closes connections of a user. To keep the user out, block it.",
        .changes = "connections",
        .needs = kNeedsConnections,
        .fields = kDisconnect,
        .answer = kOnlyMissingNodes,
        .run = disconnect,
        .logged = true},
    Method{.name = "subscribe",
        .says =
            "Joins connections of a user to a room; they get `joined` with by:\"server\". Private rooms need a member.",
        .changes = "connections",
        .needs = kNeedsConnections,
        .fields = kSubscribe,
        .answer = kOnlyMissingNodes,
        .causes = kSubscribeCauses,
        .run = subscribe,
        .logged = true},
    Method{.name = "unsubscribe",
        .says = "Takes connections of a user out of a room; they get `room_removed` with a code.",
        .changes = "connections",
        .needs = kNeedsConnections,
        .fields = kUnsubscribe,
        .answer = kOnlyMissingNodes,
        .run = unsubscribe,
        .logged = true},
    Method{.name = "refresh",
        .says = "Sets when connections of a user end; they get `refreshed`.",
        .changes = "connections",
        .needs = kNeedsConnections,
        .fields = kRefresh,
        .answer = kOnlyMissingNodes,
        .run = refresh,
        .logged = true},
};

} // namespace

std::span<const Method> client_methods() { return kMethods; }

} // namespace foyer::api
