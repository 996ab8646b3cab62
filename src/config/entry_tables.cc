// The rows of every kind of entry (entries.h).
#include "config/entries.h"

namespace foyer::config {
namespace {

#define MEMBER(path) [](void* entry) -> auto& { return static_cast<auth::TrustedIssuer*>(entry)->path; }

const EntryField kIssuerFields[] = {
    {.name = "name",
        .slot = MEMBER(name),
        .help = "A short name, for findings, metrics and refusals.",
        .rule = Rule::word,
        .max = 32,
        .required = true},
    {.name = "issuer", .slot = MEMBER(issuer), .help = "The exact `iss` of its tokens.", .max = 512, .required = true},
    {.name = "discovery",
        .slot = MEMBER(discovery),
        .help = "Whether the key set is looked up in `issuer`/.well-known/openid-configuration. Its `issuer` must be "
                "exactly the one here, and its `jwks_uri` on the same origin."},
    {.name = "jwks_url",
        .slot = MEMBER(jwks_url),
        .help = "The key set. One of `discovery`, `jwks_url`, `secret_file` and `public_key_file` is required.",
        .rule = Rule::url},
    {.name = "ca_file",
        .slot = MEMBER(ca_file),
        .help = "Authorities, in PEM, that are trusted for the key set in addition to the system's.",
        .path = true},
    {.name = "secret_file",
        .slot = MEMBER(secret_file),
        .help =
            "A file with the shared secret of HS256, HS384 or HS512: its bytes without the last line end, or a JWK. "
            "Readable by its owner only.",
        .path = true},
    {.name = "public_key_file",
        .slot = MEMBER(public_key_file),
        .help = "A file with the public key: PEM, JWK or JWKS.",
        .path = true},
    {.name = "audience",
        .slot = MEMBER(audience),
        .help = "The values of `aud` that mean this server; one of them must be in the token. It may be omitted with "
                "`secret_file` or `public_key_file`, for an application whose tokens have no `aud`; a token that has "
                "one is then refused."},
    {.name = "algorithms",
        .slot = MEMBER(algorithms),
        .help = "The only algorithms. Unset: those of the keys; RS256 for an RSA key that names none, HS256 for a "
                "secret.",
        .rule = Rule::algorithm},
    {.name = "token_types",
        .slot = MEMBER(token_types),
        .help = "The accepted `typ` of the header. A token without `typ` counts as JWT."},
    {.name = "require",
        .slot = MEMBER(require),
        .help = "The claims that a token must have. `sub` (or what `map.user` names) and `exp` are always among them."},
    {.name = "map",
        .slot = MEMBER(map),
        .help = "Which claims hold the user, the name that others see, the scope and the rooms. A name of a claim, or "
                "a path into objects with dots: `realm_access.roles`. The value of `scope` is a text with spaces or an "
                "array.",
        .max = 256,
        .keys = "user name scope rooms"},
    {.name = "allow_scopes",
        .slot = MEMBER(allow_scopes),
        .help = "The scopes that its tokens may give; others in a token are ignored. `admin` is given only if it is "
                "listed."},
    {.name = "scope_map",
        .slot = MEMBER(scope_map),
        .help = "Additional scopes for values of claims: `\"realm_access.roles:moderator\" = \"admin\"`. `admin` must "
                "also be "
                "in `allow_scopes`."},
    {.name = "default_scope",
        .slot = MEMBER(default_scope),
        .help = "The scope of a token in which no allowed scope was found."},
    {.name = "user_prefix",
        .slot = MEMBER(user_prefix),
        .help = "What precedes `sub` in the ids of its users, so that two issuers cannot claim one user. It ends in "
                "`|`. Required, except where `identity` is external and there is one issuer.",
        .max = 64},
};

#undef MEMBER

} // namespace

constinit const EntryKind kIssuers = entry_kind<&Config::issuers>("issuer", "name", 32, kIssuerFields);

} // namespace foyer::config
