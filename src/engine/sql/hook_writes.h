// What changes add to the outbox of webhooks (engine/hooks.h). Used by the writer's thread. Events wait here until the
// end of the transaction, and are written then, many to a statement. Without hooks that want a type, nothing is done.
//
//   if (events.wants(HookType::member_added)) events.note({.type = …, .room = …, .data = …});
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/hooks.h"
#include "store/database.h"

namespace foyer::engine {

// In the order of kHookTypes.
enum class HookType : std::uint8_t {
  message_published,
  message_deleted,
  room_created,
  room_deleted,
  member_added,
  member_removed,
  room_occupied,
  room_vacated,
  user_online,
  user_offline,
  session_revoked,
  user_blocked,
};
[[nodiscard]] std::optional<HookType> hook_type(std::string_view name);
[[nodiscard]] constexpr std::string_view to_string(HookType type) {
  return kHookTypes.at(static_cast<std::size_t>(type));
}

class HookWrites {
 public:
  // `arrivals`: others write events, too, and whoever sends them puts them in order (hook_rows.h).
  HookWrites(const Clock& clock, Entropy& entropy, bool arrivals)
      : clock_(clock),
        entropy_(entropy),
        arrivals_(arrivals) {}

  // Reads which hooks there are. After every opening of the database, and when they have changed.
  [[nodiscard]] Result<void> load(store::Database& db);
  [[nodiscard]] bool wants(HookType type) const { return wanted_.at(static_cast<std::size_t>(type)); }

  // The same for any thread.
  [[nodiscard]] bool wanted_by_some(HookType type) const {
    return (shared_wanted_.load(std::memory_order_relaxed) >> static_cast<unsigned>(type) & 1U) != 0;
  }

  struct Event {
    HookType type{};
    std::string_view room = {}; // empty: about no room
    WallTime at{};              // zero: now
    std::string data;
    Offset message = 0; // of the message whose text is in `data`; 0: none is
  };
  void note(Event event);
  // The text of that message must not be sent any more: of noted and of written events, and of dead letters.
  [[nodiscard]] Result<void> erase_message(
      store::Database& db, std::string_view room, Offset message, const std::string& data);

  // A refused job takes its events back.
  [[nodiscard]] std::size_t mark() const { return noted_.size(); }
  void back_to(std::size_t mark) { noted_.resize(mark); }

  [[nodiscard]] Result<void> flush(store::Database& db); // before the commit
  void forget() { noted_.clear(), written_ = false; }    // the transaction was undone
  void expect_events() { written_ = true; }              // somebody else wrote some in this transaction
  [[nodiscard]] bool arrivals() const { return arrivals_; }
  // After a commit: whether events were written since the last call.
  [[nodiscard]] bool take_written() { return std::exchange(written_, false); }

 private:
  struct Hook {
    std::string id;
    std::array<bool, kHookTypes.size()> types{};
    std::vector<std::string> rooms;
    [[nodiscard]] bool wants(HookType type, std::string_view room) const;
  };
  struct Noted {
    std::shared_ptr<const std::string> hook, event_id, data;
    HookType type{};
    std::string room;
    Offset message = 0;
    WallTime at{};
  };

  const Clock& clock_;
  Entropy& entropy_;
  const bool arrivals_;
  std::vector<std::pair<std::shared_ptr<const std::string>, Hook>> hooks_; // by id; enabled ones
  std::array<bool, kHookTypes.size()> wanted_{};                           // by any of them
  std::atomic<std::uint32_t> shared_wanted_{0};                            // the same, a bit each
  std::vector<Noted> noted_;
  bool written_ = false;
};

} // namespace foyer::engine
