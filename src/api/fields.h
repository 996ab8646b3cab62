// Fields that several methods have.
#pragma once

#include <array>

#include "api/limits.h"
#include "api/method.h"

namespace foyer::api {

inline constexpr std::string_view kChannelSays = "The name of the room.";
inline constexpr Field kChannel{.name = "channel",
    .type = Type::text,
    .says = kChannelSays,
    .required = true,
    .grammar = Grammar::room,
    .alias = "room"};
inline constexpr Field kOffset{.name = "offset",
    .type = Type::number,
    .says = "The position of the last message.",
    .required = true,
    .most = kMostOffset};
inline constexpr Field kEpoch{.name = "epoch",
    .type = Type::text,
    .says = "Names the unbroken history that offset belongs to.",
    .required = true};
inline constexpr std::array kPosition{kOffset, kEpoch};
inline constexpr std::array kErrorMembers{
    Field{.name = "code", .type = Type::number, .says = "A number of Centrifugo's API.", .required = true},
    Field{.name = "message", .type = Type::text, .says = "One sentence.", .required = true},
    Field{.name = "cause", .type = Type::text, .says = "A code of docs/causes.md.", .required = true},
    Field{.name = "ref", .type = Type::text, .says = "The reference for `foyer why`.", .required = true},
    Field{.name = "field", .type = Type::text, .says = "The field at fault, if any."},
    Field{.name = "needs", .type = Type::text, .says = "The right that is missing, if any."}};
// Of every method that changes something.
inline constexpr Field kIdempotencyKey{.name = "idempotency_key",
    .type = Type::text,
    .says = "A name for this call: it happens once, and a repetition with the same content gets the same answer.",
    .treatment = Treatment::mapped,
    .least = 1,
    .most = kKeyLength,
    .grammar = Grammar::key};
// Of every answer to which all nodes contribute.
inline constexpr Field kMissingNodes{.name = "missing_nodes",
    .type = Type::texts,
    .says =
        "With several nodes: those that have not answered; what only they know is not in the answer, and an action "
        "may not have reached them. Absent: all have answered."};
inline constexpr std::array kOnlyMissingNodes{kMissingNodes};
inline constexpr std::array kOnlyChannel{kChannel};
inline constexpr std::array kChannelOnce{kChannel, kIdempotencyKey};
inline constexpr Field kUser{
    .name = "user", .type = Type::text, .says = "The id of the user.", .required = true, .grammar = Grammar::user};
inline constexpr Field kPerson{
    .name = "user", .type = Type::text, .says = "The id of the user.", .required = true, .grammar = Grammar::person};
inline constexpr std::array kOnlyUser{kUser};
inline constexpr std::array kUserOnce{kUser, kIdempotencyKey};
inline constexpr std::array kRoomCauses{Cause::NOT_FOUND, Cause::NOT_A_MEMBER, Cause::BUSY};

} // namespace foyer::api
