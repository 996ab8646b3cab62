// The rows of [[ask]] (entries.h).
#include "config/entries.h"

namespace foyer::config {
namespace {

#define MEMBER(path) [](void* entry) -> auto& { return static_cast<asking::Table*>(entry)->path; }

const EntryField kAskFields[] = {
    {.name = "name",
        .slot = MEMBER(name),
        .help = "A short name, for findings, metrics and refusals.",
        .rule = Rule::word,
        .max = 32,
        .required = true},
    {.name = "url",
        .slot = MEMBER(url),
        .help = "Where the questions are sent, as POST requests.",
        .rule = Rule::url,
        .required = true},
    {.name = "events",
        .slot = MEMBER(events),
        .help = "What the application is asked about: `connect`, `refresh`, `subscribe`, `publish`.",
        .required = true},
    {.name = "rooms",
        .slot = MEMBER(rooms),
        .help = "The rooms of `subscribe` and `publish`: names in which `*` stands for anything. Private, direct and "
                "own rooms need a pattern that begins with `private:`, `direct:` or `user:`.",
        .rule = Rule::pattern,
        .max = 128},
    {.name = "secret",
        .slot = MEMBER(secret),
        .help = "The secret that signs the questions: `whsec_` and 24 to 64 bytes as base64. This or `secret_file` is "
                "required.",
        .max = 128,
        .secret = true},
    {.name = "secret_file",
        .slot = MEMBER(secret_file),
        .help = "A file with the secret. Readable by its owner only.",
        .path = true},
    {.name = "ca_file",
        .slot = MEMBER(ca_file),
        .help = "Authorities, in PEM, that are trusted for the application in addition to the system's.",
        .path = true},
    {.name = "headers",
        .slot = MEMBER(headers),
        .help = "Headers of the client's handshake that are passed on, such as `Cookie`.",
        .rule = Rule::word,
        .max = 64},
    {.name = "timeout",
        .slot = MEMBER(timeout),
        .help = "How long a question may take, with all attempts.",
        .max = 30'000,
        .min = 100},
    {.name = "ask_cache",
        .slot = MEMBER(ask_cache),
        .help = "How long an answer is remembered for the same event, user and room. Never for `publish`.",
        .max = 3'600'000},
};

#undef MEMBER

} // namespace

constinit const EntryKind kAsks = entry_kind<&Config::asks>("ask", "name", 32, kAskFields);

} // namespace foyer::config
