// Methods that end the access of users and tokens.
#include "api/fields.h"
#include "api/handlers.h"
#include "api/method_groups.h"

namespace foyer::api {
namespace {

constexpr std::int64_t kLastSecond = 253'402'300'799; // of the year 9999

constexpr std::array kBlock{kUser,
    Field{.name = "expire_at",
        .type = Type::number,
        .says = "The block ends at this time, in seconds since 1970; absent or 0: it stays until unblock_user.",
        .treatment = Treatment::mapped,
        .most = kLastSecond},
    kIdempotencyKey};
constexpr Field kKeptUntil{.name = "expire_at",
    .type = Type::number,
    .says = "Whatever it is, the end holds for as long as such a token could be valid.",
    .treatment = Treatment::mapped,
    .most = kLastSecond};
constexpr std::array kRevoke{Field{.name = "uid",
                                 .type = Type::text,
                                 .says = "The `jti` of the token.",
                                 .required = true,
                                 .least = 1,
                                 .most = kNameLength,
                                 .grammar = Grammar::key},
    kKeptUntil, kIdempotencyKey};
constexpr std::array kInvalidate{kUser,
    Field{.name = "issued_before",
        .type = Type::number,
        .says = "Tokens whose `iat` is before this time end, in seconds since 1970; absent or 0: all until now.",
        .treatment = Treatment::mapped,
        .most = kLastSecond},
    kKeptUntil,
    Field{.name = "channel",
        .type = Type::text,
        .says = "a token ends whole, not for one room",
        .treatment = Treatment::refused},
    kIdempotencyKey};
constexpr std::array kCauses{Cause::BUSY};
constexpr std::string_view kInvalidateSays =
    "Ends every token of a user that was issued before a time, and closes the connections that came with one.";

constexpr std::array kMethods{
    Method{.name = "block_user",
        .says = "Closes the connections of a user and admits no new one, whoever issues the tokens.",
        .changes = "users",
        .needs = "endings",
        .fields = kBlock,
        .causes = kCauses,
        .run = block_user,
        .logged = true},
    Method{.name = "unblock_user",
        .says = "Admits the user again. Not an error for a user who is not blocked.",
        .changes = "users",
        .needs = "endings",
        .fields = kUserOnce,
        .causes = kCauses,
        .run = unblock_user,
        .logged = true},
    Method{.name = "revoke_token",
        .says = "Ends one token, and closes the connections that came with it.",
        .changes = "tokens",
        .needs = "endings",
        .fields = kRevoke,
        .causes = kCauses,
        .run = revoke_token,
        .logged = true},
    Method{.name = "invalidate_user_tokens",
        .says = kInvalidateSays,
        .changes = "tokens",
        .needs = "endings",
        .fields = kInvalidate,
        .causes = kCauses,
        .run = invalidate_user_tokens,
        .logged = true},
    Method{.name = "revoke_user",
        .says = "Another name of invalidate_user_tokens.",
        .changes = "tokens",
        .needs = "endings",
        .fields = kInvalidate,
        .causes = kCauses,
        .run = invalidate_user_tokens,
        .logged = true},
};

} // namespace

std::span<const Method> access_methods() { return kMethods; }

} // namespace foyer::api
