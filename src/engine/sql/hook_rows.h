// The rows of webhooks, as jobs of the writer and the reader of the chat store: hooks, what waits for them, and dead
// letters. Meaning: engine/hooks.h. What the changes of rooms add is in hook_writes.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/hooks.h"
#include "store/database.h"

namespace foyer::engine {

[[nodiscard]] Result<bool> add_hook(store::Database& db, const HookRow& hook);
[[nodiscard]] Result<bool> rotate_hook(store::Database& db, const std::string& id, const std::string& sealed);
[[nodiscard]] Result<bool> disable_hook(
    store::Database& db, const std::string& id, std::optional<WallTime> since, const std::string& why);
[[nodiscard]] Result<bool> remove_hook(store::Database& db, const std::string& id);
[[nodiscard]] Result<std::vector<HookRow>> read_hooks(store::Database& db);
[[nodiscard]] Result<std::optional<HookList>> read_hooks_since(store::Database& db, const std::string& version);

[[nodiscard]] Result<std::vector<DeadLetter>> read_dead_letters(
    store::Database& db, const std::string& hook, std::uint64_t after, std::size_t limit);
[[nodiscard]] Result<std::uint64_t> ask_replay(
    store::Database& db, const std::string& hook, const std::vector<std::string>& ids);
[[nodiscard]] Result<std::string> ask_test(
    store::Database& db, const std::string& hook, const std::string& event_id, WallTime now);
// What was asked to be sent again moves to the outbox, and what belongs to hooks that are gone is deleted. True:
// something came to the outbox. `arrivals`: it arrives there first.
[[nodiscard]] Result<bool> take_up_asked(store::Database& db, WallTime now, bool arrivals);
// Several gateways note events, in transactions that end in another order than that of the numbers they draw; whoever
// reads up to a number would miss a lower one that appears later. So they note them as arrivals, and the one that
// sends them (duty.h) moves what it sees to the outbox: some, in the order of each room. How many. PostgreSQL only.
[[nodiscard]] Result<std::int64_t> move_arrivals(store::Database& db);

[[nodiscard]] Result<std::vector<HookEvent>> read_waiting(store::Database& db, const std::string& hook,
    const std::optional<std::string>& room, std::uint64_t after, std::size_t limit);
[[nodiscard]] Result<bool> delete_sent(
    store::Database& db, const std::string& hook, const std::vector<std::uint64_t>& numbers);
[[nodiscard]] Result<bool> bury_event(store::Database& db, const std::string& hook, std::uint64_t number,
    std::uint32_t tries, const std::string& why, WallTime now);
// `gap_id`: of the hook.gap, if there is none yet.
[[nodiscard]] Result<std::uint64_t> trim_events(
    store::Database& db, const std::string& hook, const HookLimits& limits, const std::string& gap_id, WallTime now);

} // namespace foyer::engine
