// For tests: a room log with its dependencies, driven by a test. All work runs in run(), on the
// calling thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/room_log.h"
#include "engine/sql/policy.h"
#include "engine/values.h"

namespace foyer::engine {

inline std::string code_of(const auto& result) { return result ? "ok" : std::string(result.error().code()); }

struct WorldOptions {
  std::uint32_t history_days = 0;
  std::uint64_t history_messages = 0;
  RoomRules rules = {};
  std::uint32_t room_members = 10'000;
  RoomsPerUser rooms_per_user = {};
  std::uint32_t invitations_sent = 200;
  std::uint32_t invitations_to_one = 5;
  std::uint32_t invitations_received = 100;
};

class LogWorld {
 public:
  virtual ~LogWorld() = default;
  virtual void open(WorldOptions options) = 0; // repeated: closes and opens the same data, like a restart
  virtual RoomLog& log() = 0;
  virtual void run() = 0; // until all requests are answered
  virtual ManualClock& clock() = 0;
  // Answered changes outlive a restart; otherwise every room starts again with another epoch. A log that is not durable
  // limits messages by number, not by age.
  [[nodiscard]] virtual bool durable() const { return true; }
  // Nothing is committed before run(); otherwise another process answers when it likes.
  [[nodiscard]] virtual bool works_in_run() const { return true; }

  // Sends a request and waits for the answer, which may come on another thread.
  template <class T>
  Result<T> ask(const std::function<void(Completion<T>)>& question) {
    const auto answer = std::make_shared<std::promise<Result<T>>>();
    auto answered = answer->get_future();
    question([answer](Result<T> r) { answer->set_value(std::move(r)); });
    run();
    if (answered.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
      return refuse(Cause::INTERNAL_ERROR, "no answer");
    return answered.get();
  }
  Result<RoomRow> stands(const std::string& room, Known known = {}) {
    return ask<RoomRow>([&](Completion<RoomRow> d) { log().confirm(RoomName(room), known, std::move(d)); });
  }
  Result<Offset> doubt(const std::string& room, const Epoch& epoch, Offset head) {
    return ask<Offset>([&](Completion<Offset> d) { log().doubt(RoomName(room), epoch, head, std::move(d)); });
  }
  AppendRequest message(
      const std::string& room, const std::string& from, const std::string& text, const std::string& key = "") {
    return {.room = RoomName(room),
        .from = {UserId(from), from + "'s name"},
        .text = text,
        .key = key,
        .time = clock().wall()};
  }
  AppendRequest data(
      const std::string& room, const std::string& from, const std::string& json, const std::string& key = "") {
    AppendRequest made = message(room, from, json, key);
    made.type = BodyType::data;
    return made;
  }
  Result<Appended> append(const AppendRequest& message) {
    return ask<Appended>([&](Completion<Appended> d) { log().append(message, std::move(d)); });
  }
  Result<Appended> say(
      const std::string& room, const std::string& from, const std::string& text, const std::string& key = "") {
    return append(message(room, from, text, key));
  }
  Result<Erased> erased(const std::string& room, Offset offset, const std::string& by, bool any = false) {
    return ask<Erased>(
        [&](Completion<Erased> d) { log().erase(RoomName(room), offset, UserId(by), any, std::move(d)); });
  }
  Result<Offset> erase(const std::string& room, Offset offset, const std::string& by, bool any = false) {
    TRY(answer, erased(room, offset, by, any));
    return answer.offset;
  }
  Result<Detached> detached(const std::string& user, Forget what = Forget::name) {
    return ask<Detached>([&](Completion<Detached> d) { log().detach_author(UserId(user), what, std::move(d)); });
  }
  Result<bool> detach(const std::string& user) {
    TRY(answer, detached(user));
    return answer.any;
  }
  Result<bool> clear(const std::string& room) {
    return ask<bool>([&](Completion<bool> d) { log().clear(RoomName(room), std::move(d)); });
  }
  Result<HistoryPage> history(HistoryRequest question) {
    return ask<HistoryPage>([&](Completion<HistoryPage> d) { log().history(question, std::move(d)); });
  }
  // A page as "1:text 2:text", followed by a plus if there is more.
  std::string page(HistoryRequest question) {
    auto got = history(std::move(question));
    if (!got) return std::string(got.error().code());
    std::string out;
    for (const Message& m : got->messages)
      out += (out.empty() ? "" : " ") + std::to_string(m.offset) + ":" + (m.deleted ? "deleted" : m.text);
    return out + (got->more ? " +" : "");
  }
};

// The rooms of an answer with their changes, "tea@1".
inline std::vector<std::string> rooms_in(const Detached& detached) {
  std::vector<std::string> rooms;
  for (const auto& room : detached.rooms) rooms.push_back(room.room.str() + "@" + std::to_string(room.change));
  return rooms;
}

} // namespace foyer::engine
