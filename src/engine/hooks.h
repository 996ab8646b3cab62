// Webhooks: where the application wants to be told of what happens, and the outbox of what it has yet to be told.
//
// An event about something that is stored is written in the transaction of the change, once for every hook that wants
// it (by type and room), and stays until it is sent or becomes a dead letter. So a crash between commit and send loses
// nothing, and every attempt has the same id. Numbers rise in the order of the changes, and with them the order of a
// room. Events that report nothing stored are put by whoever saw them (put_events).
//
// Hooks may be changed by other processes (`foyer webhook`). The process that has the log open calls refresh() to
// follow them: from its answer on, changes are reported to the new set.
//
// Callbacks run like those of a RoomLog.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/completion.h"
#include "base/ids.h"
#include "base/refusal.h"

namespace foyer::engine {

inline constexpr std::array<std::string_view, 12> kHookTypes{"message.published", "message.deleted", "room.created",
    "room.deleted", "member.added", "member.removed", "room.occupied", "room.vacated", "user.online", "user.offline",
    "session.revoked", "user.blocked"};
inline constexpr std::size_t kMostHooks = 100;
inline constexpr std::size_t kMostRoomPatterns = 100; // of one hook
// Sent to a hook whatever it chose: events were given up, because too many were waiting; and what `test` sends.
inline constexpr std::string_view kHookGap = "hook.gap";
inline constexpr std::string_view kHookTest = "hook.test";

struct HookRow {
  std::string id;
  std::string url;
  std::vector<std::string> types;
  std::vector<std::string> rooms = {}; // patterns of room names; none: every room
  std::string secret;                  // sealed, "hook:ID"
  std::string old_secret = {};         // sealed; also signs, until the next rotation
  WallTime created{};
  std::optional<WallTime> disabled = {}; // it gets nothing, and nothing new is written for it
  std::string why = {};                  // it was disabled
};

struct HookEvent {
  std::uint64_t number = 0; // in the outbox; rises
  std::string id;           // webhook-id: the same for every attempt and every hook
  std::string type;
  std::string room = {}; // empty: about no room
  WallTime at{};         // when it happened
  WallTime queued{};     // when it came to the outbox, or was asked to be sent again
  std::string data;      // a JSON object
};

struct DeadLetter {
  std::string hook;
  HookEvent event; // its number is that of the dead letter
  std::uint32_t tries = 0;
  std::string why; // a cause and its evidence
  WallTime since{};
};

// An event that is put. Hooks that want its type and room get it.
struct NewHookEvent {
  std::string type;
  std::string room = {};
  std::string data; // a JSON object
  WallTime at{};
};

struct HookList {
  std::string version; // another one after every change
  std::vector<HookRow> hooks;
};

struct HookLimits {
  std::uint64_t rows = 1'000'000; // waiting for one hook
  Millis age{std::chrono::days{7}};
  std::uint64_t dead_rows = 100'000; // of one hook; beyond, the oldest are deleted
  Millis dead_age{std::chrono::days{30}};
};

// What commands do, beside a running server.
class Hooks {
 public:
  virtual ~Hooks() = default;

  // INVALID_VALUE when there are too many.
  virtual void add_hook(HookRow hook, Completion<bool> done) = 0;
  // `sealed` becomes the secret, the present one the old one. Empty: ends the old one. NOT_FOUND.
  virtual void rotate_hook(std::string id, std::string sealed, Completion<bool> done) = 0;
  // Nothing: enabled again. False: it was so already. NOT_FOUND.
  virtual void disable_hook(std::string id, std::optional<WallTime> since, std::string why, Completion<bool> done) = 0;
  // With what waits for it and its dead letters. NOT_FOUND.
  virtual void remove_hook(std::string id, Completion<bool> done) = 0;
  // Nothing if the version is still this one.
  virtual void hooks_since(std::string version, Completion<std::optional<HookList>> done) = 0;

  // Oldest first. `hook` empty: of all.
  virtual void dead_letters(
      std::string hook, std::uint64_t after, std::size_t limit, Completion<std::vector<DeadLetter>> done) = 0;
  // Asks for dead letters of a hook to be sent again, under their ids: those with the ids, or all. How many.
  virtual void replay(std::string hook, std::vector<std::string> ids, Completion<std::uint64_t> done) = 0;
  // Asks for a `hook.test` to be sent. The id of the event. NOT_FOUND.
  virtual void test_hook(std::string hook, Completion<std::string> done) = 0;
};

// What the process does that has the log open.
class HookOutbox {
 public:
  virtual ~HookOutbox() = default;

  // Follows the hooks as they are now, and takes up what was asked to be sent again.
  virtual void refresh_hooks(Completion<bool> done) = 0;
  virtual void put_events(std::vector<NewHookEvent> events, Completion<bool> done) = 0; // false: nobody wants them
  // Whether some hook wants that type. Any thread, without a lock.
  [[nodiscard]] virtual bool wants_events(std::string_view type) const = 0;
  // Of several processes with the log open, one sends. Any thread, without a lock. The others read nothing from
  // waiting(), and their sent(), bury() and trim() have no effect.
  [[nodiscard]] virtual bool sends() const = 0;
  // Called after a commit that wrote events, and when this process begins to send, on a thread of the store. Before it
  // is used by several threads.
  virtual void watch_outbox(std::function<void()> written) = 0;

  // In the order of their numbers. `room`: only those about it.
  virtual void waiting(std::string hook, std::optional<std::string> room, std::uint64_t after, std::size_t limit,
      Completion<std::vector<HookEvent>> done) = 0;
  virtual void sent(std::string hook, std::vector<std::uint64_t> numbers, Completion<bool> done) = 0;
  virtual void bury(
      std::string hook, std::uint64_t number, std::uint32_t tries, std::string why, Completion<bool> done) = 0;
  // Moves the oldest events beyond the limits to the dead letters, some at a time, and leaves a `hook.gap` for the
  // application. How many.
  virtual void trim(std::string hook, HookLimits limits, Completion<std::uint64_t> done) = 0;
};

} // namespace foyer::engine
