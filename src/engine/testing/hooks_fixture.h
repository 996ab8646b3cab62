// For the contracts of engine/hooks.h: a store with its webhooks and their outbox, asked from the calling thread.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {

class HooksFixture : public testing::TestWithParam<std::function<std::unique_ptr<StoreWorld>()>> {
 protected:
  void SetUp() override {
    w = GetParam()();
    w->open({});
  }
  Hooks& hooks() { return w->store().hooks(); }
  HookOutbox& outbox() { return w->store().outbox(); }

  HookRow hook(const std::string& id, std::vector<std::string> types, std::vector<std::string> rooms = {}) {
    return {.id = id,
        .url = "https://app.example.com/" + id,
        .types = std::move(types),
        .rooms = std::move(rooms),
        .secret = "sealed-" + id,
        .created = w->clock().wall()};
  }
  // Added, and followed from now on.
  void add(HookRow row) {
    ASSERT_EQ(code_of(w->ask<bool>([&](Completion<bool> d) { hooks().add_hook(row, std::move(d)); })), "ok");
    refresh();
  }
  void add_for_all(const std::string& id) { add(hook(id, {kHookTypes.begin(), kHookTypes.end()})); }
  Result<bool> refresh() { return w->refresh_hooks(); }
  Result<bool> disable(const std::string& id, bool yes) {
    const auto since = yes ? std::optional(w->clock().wall()) : std::nullopt;
    return w->ask<bool>([&](Completion<bool> d) { hooks().disable_hook(id, since, yes ? "why" : "", std::move(d)); });
  }
  std::vector<HookEvent> events(const std::string& hook, std::uint64_t after = 0, std::size_t limit = 10'000,
      std::optional<std::string> room = {}) {
    auto found = w->ask<std::vector<HookEvent>>(
        [&](Completion<std::vector<HookEvent>> d) { outbox().waiting(hook, room, after, limit, std::move(d)); });
    EXPECT_TRUE(found);
    return found.value_or(std::vector<HookEvent>{});
  }
  // "message.published tea".
  std::vector<std::string> waiting(const std::string& hook) {
    std::vector<std::string> out;
    for (const HookEvent& event : events(hook))
      out.push_back(event.type + (event.room.empty() ? "" : " ") + event.room);
    return out;
  }
  void sent(const std::string& hook, std::vector<std::uint64_t> numbers) {
    EXPECT_TRUE(w->ask<bool>([&](Completion<bool> d) { outbox().sent(hook, numbers, std::move(d)); }));
  }
  void all_sent(const std::string& hook) {
    std::vector<std::uint64_t> numbers;
    for (const HookEvent& event : events(hook)) numbers.push_back(event.number);
    sent(hook, numbers);
  }
  std::vector<DeadLetter> dead(const std::string& hook = {}) {
    auto found = w->ask<std::vector<DeadLetter>>(
        [&](Completion<std::vector<DeadLetter>> d) { hooks().dead_letters(hook, 0, 10'000, std::move(d)); });
    EXPECT_TRUE(found);
    return found.value_or(std::vector<DeadLetter>{});
  }
  Result<bool> bury(const std::string& hook, std::uint64_t number) {
    return w->ask<bool>(
        [&](Completion<bool> d) { outbox().bury(hook, number, 3, "WEBHOOK_REFUSED: 400", std::move(d)); });
  }
  Result<std::uint64_t> trim(const std::string& hook, HookLimits limits) {
    return w->ask<std::uint64_t>([&](Completion<std::uint64_t> d) { outbox().trim(hook, limits, std::move(d)); });
  }
  Result<std::uint64_t> replay(const std::string& hook, std::vector<std::string> ids = {}) {
    return w->ask<std::uint64_t>([&](Completion<std::uint64_t> d) { hooks().replay(hook, ids, std::move(d)); });
  }
  std::optional<HookList> since(const std::string& version) {
    auto found = w->ask<std::optional<HookList>>(
        [&](Completion<std::optional<HookList>> d) { hooks().hooks_since(version, std::move(d)); });
    EXPECT_TRUE(found);
    return found.value_or(std::nullopt);
  }

  std::unique_ptr<StoreWorld> w;
};

} // namespace foyer::engine
