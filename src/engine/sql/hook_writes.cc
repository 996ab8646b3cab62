#include "engine/sql/hook_writes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/sql/hook_rows.h"
#include "engine/sql/many_rows.h"
#include "engine/values.h"

namespace foyer::engine {
namespace {

constexpr std::size_t kColumns = 8;

std::vector<ManyRows> insertions_into(const std::string& table) {
  return prepared_numbers([&](std::size_t rows) {
    return "INSERT INTO " + table + " (hook_id, event_id, type, room, message, at_ms, queued_ms, data) VALUES " +
        repeated("(?, ?, ?, ?, ?, ?, ?, ?)", rows);
  });
}

const std::vector<ManyRows>& event_insertions(bool arrivals) {
  static const auto outbox = insertions_into("hook_events"), arrived = insertions_into("hook_arrivals");
  return arrivals ? arrived : outbox;
}

bool reaches(std::string_view pattern, std::string_view room) {
  for (const std::string_view prefix : {"private:", "direct:", "user:"})
    if (room.starts_with(prefix) && !pattern.starts_with(prefix)) return false;
  return matches(pattern, room);
}

} // namespace

std::optional<HookType> hook_type(std::string_view name) {
  const auto* found = std::ranges::find(kHookTypes, name);
  if (found == kHookTypes.end()) return std::nullopt;
  return static_cast<HookType>(found - kHookTypes.begin());
}

bool HookWrites::Hook::wants(HookType type, std::string_view room) const {
  if (!types.at(static_cast<std::size_t>(type))) return false;
  if (room.empty() || rooms.empty()) return true;
  return std::ranges::any_of(rooms, [room](const std::string& pattern) { return reaches(pattern, room); });
}

Result<void> HookWrites::load(store::Database& db) {
  TRY(rows, read_hooks(db));
  hooks_.clear();
  wanted_.fill(false);
  for (const HookRow& row : rows) {
    if (row.disabled) continue;
    Hook hook{.id = row.id, .types = {}, .rooms = row.rooms};
    for (std::size_t i = 0; i < kHookTypes.size(); ++i)
      if (std::ranges::find(row.types, kHookTypes.at(i)) != row.types.end()) hook.types.at(i) = wanted_.at(i) = true;
    auto id = std::make_shared<const std::string>(row.id);
    hooks_.emplace_back(std::move(id), std::move(hook));
  }
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < wanted_.size(); ++i) bits |= std::uint32_t{wanted_.at(i)} << i;
  shared_wanted_.store(bits, std::memory_order_relaxed);
  return {};
}

void HookWrites::note(Event event) {
  std::shared_ptr<const std::string> id, data;
  const WallTime at = event.at == WallTime{} ? clock_.wall() : event.at;
  for (const auto& [name, hook] : hooks_) {
    if (!hook.wants(event.type, event.room)) continue;
    if (!id) {
      id = std::make_shared<const std::string>("evt_" + entropy_.short_id());
      data = std::make_shared<const std::string>(std::move(event.data));
    }
    noted_.push_back({.hook = name,
        .event_id = id,
        .data = data,
        .type = event.type,
        .room = std::string(event.room),
        .message = event.message,
        .at = at});
  }
}

Result<void> HookWrites::erase_message(
    store::Database& db, std::string_view room, Offset message, const std::string& data) {
  TRY_VOID(db.change("UPDATE hook_events SET data = ? WHERE room = ? AND message = ?", data, room, message));
  if (arrivals_)
    TRY_VOID(db.change("UPDATE hook_arrivals SET data = ? WHERE room = ? AND message = ?", data, room, message));
  TRY_VOID(db.change("UPDATE hook_dead SET data = ? WHERE room = ? AND message = ?", data, room, message));
  const auto erased = std::make_shared<const std::string>(data);
  for (Noted& noted : noted_)
    if (noted.message == message && noted.room == room) noted.data = erased;
  return {};
}

Result<void> HookWrites::flush(store::Database& db) {
  const WallTime now = clock_.wall();
  for (auto next = noted_.cbegin(); next != noted_.cend();) {
    const auto left = static_cast<std::size_t>(noted_.cend() - next);
    const auto& insert = largest(event_insertions(arrivals_), left);
    TRY(statement, db.prepare(insert.sql));
    int index = 1;
    for (std::size_t i = 0; i < insert.rows; ++i, ++next, index += kColumns) {
      const auto message = next->message == 0 ? std::nullopt : std::optional(next->message);
      statement.bind_from(
          index, *next->hook, *next->event_id, to_string(next->type), next->room, message, next->at, now, *next->data);
    }
    TRY_VOID(statement.run());
    written_ = true;
  }
  noted_.clear();
  return {};
}

} // namespace foyer::engine
