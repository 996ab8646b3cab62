#include "engine/redis/room_log.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "engine/redis/all_answered.h"
#include "engine/redis/eval.h"
#include "engine/redis/refusal.h"
#include "engine/redis/room_log_scripts.h"

namespace foyer::engine {
namespace {

using redis::Reply;
using Answer = std::expected<Reply, redis::Failure>;

std::string number(std::uint64_t value) { return std::to_string(value); }
std::string number(const std::optional<Offset>& value) { return value ? std::to_string(*value) : std::string{}; }
std::string number(Millis life) { return std::to_string(life.count()); }

void add_word(std::string& out, std::string_view word) {
  out += std::to_string(word.size());
  out += ':';
  out += word;
}

std::optional<std::string_view> take_word(std::string_view& rest) {
  std::size_t size = 0;
  const auto [end, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  const auto digits = static_cast<std::size_t>(end - rest.data());
  if (fault != std::errc{} || digits >= rest.size() || rest[digits] != ':' || size > rest.size() - digits - 1)
    return std::nullopt;
  const std::string_view word = rest.substr(digits + 1, size);
  rest.remove_prefix(digits + 1 + size);
  return word;
}

std::int64_t integer_of(std::string_view digits) {
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::vector<std::string> keys_of(const BusNames& names, const RoomName& room) {
  return {names.room(room, "meta"), names.room(room, "log"), names.room(room, "changes"), names.room(room, "authors")};
}

std::string value_of(const AppendRequest& message) {
  std::string out;
  add_word(out, message.from.id.view());
  add_word(out, message.from.name);
  add_word(out, std::to_string(unix_millis(message.time)));
  add_word(out, message.type == BodyType::data ? "j" : "t");
  add_word(out, message.key);
  add_word(out, message.text);
  return out;
}

// As the scripts keep it (room_log_scripts.h).
std::optional<Message> message_of(std::int64_t offset, std::string_view value) {
  std::string_view words[6];
  for (auto& word : words) {
    const auto next = take_word(value);
    if (!next) return std::nullopt;
    word = *next;
  }
  Message m;
  m.offset = static_cast<Offset>(offset);
  m.from = {UserId(words[0]), std::string(words[1])};
  m.time = from_unix_millis(integer_of(words[2]));
  m.key = std::string(words[4]);
  m.deleted = words[3] == "d";
  m.type = words[3] == "j" ? BodyType::data : BodyType::text;
  if (!m.deleted) m.text = std::string(words[5]);
  return m;
}

std::optional<Change> change_of(std::int64_t number, std::string_view value) {
  if (value.empty()) return std::nullopt;
  Change c;
  c.number = static_cast<Offset>(number);
  c.kind = value[0] == 'd' ? ChangeKind::deleted
      : value[0] == 'e'    ? ChangeKind::author_erased
                           : ChangeKind::author_detached;
  if (value[0] == 'd')
    c.offset = static_cast<Offset>(integer_of(value.substr(1)));
  else
    c.user = UserId(value.substr(1));
  return c;
}

// The message that reaches the limit is the last one; without `after` the newest come first.
void cut_by_bytes(HistoryPage& page, const HistoryRequest& question) {
  auto& messages = page.messages;
  std::size_t kept = 0;
  for (std::size_t bytes = 0; kept < messages.size() && bytes < question.bytes; ++kept)
    bytes += messages[question.after ? kept : messages.size() - 1 - kept].text.size();
  if (kept == messages.size()) return;
  page.more = true;
  if (question.after)
    messages.resize(kept);
  else
    messages.erase(messages.begin(), messages.end() - static_cast<std::ptrdiff_t>(kept));
}

Result<HistoryPage> page_of(const Reply& reply) {
  HistoryPage page;
  const auto& items = reply.items;
  if (reply.kind != Reply::Kind::array) return not_ours();
  if (items.empty()) return page; // no such room
  if (items.size() != 8) return not_ours();
  page.epoch = Epoch(items[0].text);
  page.head = static_cast<Offset>(items[1].integer);
  page.change = static_cast<Offset>(items[2].integer);
  page.more = items[3].integer == 1;
  if (const auto asked = message_of(0, items[4].text)) page.time_of = asked->time;
  page.changes_whole = items[5].integer == 1;
  const auto& changes = items[6].items;
  for (std::size_t i = 0; i + 1 < changes.size(); i += 2)
    if (auto change = change_of(changes[i].integer, changes[i + 1].text)) page.changes.push_back(std::move(*change));
  const auto& messages = items[7].items;
  for (std::size_t i = 0; i + 1 < messages.size(); i += 2) {
    auto message = message_of(messages[i].integer, messages[i + 1].text);
    if (!message) return not_ours();
    page.messages.push_back(std::move(*message));
  }
  return page;
}

} // namespace

RedisRoomLog::RedisRoomLog(RedisLogOptions options, redis::Commands& commands, Entropy& entropy, const Clock& clock)
    : options_(std::move(options)),
      commands_(commands),
      entropy_(entropy),
      clock_(clock) {}
RedisRoomLog::~RedisRoomLog() = default;

std::vector<std::string> RedisRoomLog::known_arguments(const Known& known) {
  return {entropy_.short_id(), known.epoch.str(), number(known.offset), number(kBusRoomLife)};
}

void RedisRoomLog::append(AppendRequest message, Completion<Appended> done) {
  if (auto kind = kind_of(message.room.view()); !kind) return done(std::unexpected(std::move(kind).error()));
  const auto rule = options_.rules.of(message.room.view()).history_messages;
  const std::size_t kept = std::min<std::size_t>(rule.value_or(options_.messages), kMostBusMessages);
  std::vector<std::string> arguments = known_arguments(message.known);
  std::string key;
  if (!message.key.empty()) key = base64url_encode(sha256(message.from.id.str() + '\0' + message.key));
  const std::string digest = (message.type == BodyType::data ? "j" : "t") + base64url_encode(sha256(message.text));
  for (std::string each :
      {value_of(message), message.from.id.str(), number(kept), key, digest, std::to_string(unix_millis(message.time)),
          number(kKeyLife + Millis{1'000}), options_.names.room(message.room, "key:"), number(options_.bytes)})
    arguments.push_back(std::move(each));
  commands_.send(eval(scripts::kAppend, keys_of(options_.names, message.room), std::move(arguments)),
      [&commands = commands_, author = options_.names.author(message.from.id), room = message.room,
          done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    const auto& items = answer->items;
    if (items.size() != 5) return done(not_ours());
    if (items[4].integer == 1) {
      commands.send({"SADD", author, room.str()}, [](const Answer&) {});
      commands.send({"PEXPIRE", author, number(kBusRoomLife)}, [](const Answer&) {});
    }
    if (items[3].integer == 2)
      return done(refuse_field(Cause::KEY_REUSED, "id", "the key was used before, with another body"));
    done(Appended{.epoch = Epoch(items[0].text),
        .offset = static_cast<Offset>(items[1].integer),
        .time = from_unix_millis(integer_of(items[2].text)),
        .duplicate = items[3].integer == 1});
  });
}

void RedisRoomLog::erase(RoomName room, Offset offset, UserId by, bool any, Completion<Erased> done) {
  commands_.send(eval(scripts::kErase, keys_of(options_.names, room),
                     {number(offset), by.str(), any ? "1" : "0", number(kRecoverableChanges)}),
      [offset, done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (!is_list(*answer, 1)) return done(not_ours());
    if (answer->items[0].integer == 0) return done(refuse_field(Cause::NOT_FOUND, "offset"));
    if (answer->items[0].integer == 1) return done(refuse(Cause::PERMISSION_DENIED));
    if (!is_list(*answer, 2)) return done(not_ours());
    done(Erased{.offset = offset, .change = static_cast<Offset>(answer->items[1].integer)});
  });
}

void RedisRoomLog::clear(RoomName room, Completion<bool> done) {
  commands_.send(
      eval(scripts::kClear, keys_of(options_.names, room), {}), [done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    if (answer->integer == 0) return done(refuse_field(Cause::NOT_FOUND, "room"));
    done(true);
  });
}

void RedisRoomLog::forget(RoomName room, Completion<bool> done) {
  redis::Command gone{"DEL"};
  for (auto& key : keys_of(options_.names, room)) gone.push_back(std::move(key));
  commands_.send(std::move(gone), [done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    done(answer->integer > 0);
  });
}

void RedisRoomLog::history(HistoryRequest question, Completion<HistoryPage> done) {
  const std::uint32_t limit = std::min(question.limit, kHistoryLimit);
  std::optional<WallTime> oldest;
  if (options_.age > Millis{0} && !question.hidden_too) oldest = clock_.wall() - options_.age;
  commands_.send(eval(scripts::kHistory, keys_of(options_.names, question.room),
                     {number(question.after), number(question.before), number(question.up_to), number(limit),
                         number(question.time_of), number(question.changes_after), number(kRecoverableChanges)}),
      [question, oldest, done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    auto page = page_of(*answer);
    if (!page) return done(std::move(page));
    if (oldest) {
      const auto hidden = std::erase_if(page->messages, [&](const Message& m) { return m.time < *oldest; });
      if (hidden > 0 && !question.after) page->more = false;
    }
    cut_by_bytes(*page, question);
    done(std::move(page));
  });
}

void RedisRoomLog::confirm(RoomName room, Known known, Completion<RoomRow> done) {
  auto kind = kind_of(room.view());
  if (!kind) return done(std::unexpected(std::move(kind).error()));
  commands_.send(eval(scripts::kConfirm, keys_of(options_.names, room), known_arguments(known)),
      [room, kind = *kind, done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    const auto& items = answer->items;
    if (items.size() != 5) return done(not_ours());
    RoomRow row;
    row.room = std::move(room);
    row.kind = kind;
    row.epoch = Epoch(items[0].text);
    row.offset = static_cast<Offset>(items[1].integer);
    row.change = static_cast<Offset>(items[2].integer);
    if (items[3].integer >= 0) row.doubted = static_cast<Offset>(items[3].integer);
    if (const auto last = message_of(0, items[4].text)) row.time = last->time;
    done(std::move(row));
  });
}

void RedisRoomLog::doubt(RoomName room, Epoch epoch, Offset head, Completion<Offset> done) {
  commands_.send(eval(scripts::kDoubt, keys_of(options_.names, room), {epoch.str(), number(head)}),
      [done = std::move(done)](const Answer& answer) mutable {
    if (!answer) return done(std::unexpected(refusal_of(answer.error())));
    done(static_cast<Offset>(answer->integer));
  });
}

void RedisRoomLog::detach_author(UserId user, Forget what, Completion<Detached> done) {
  struct Work {
    Detached detached = {};
    std::optional<redis::Failure> failed = {};
    Completion<Detached> done = {};
  };
  const bool texts = what == Forget::name_and_texts;
  auto work = std::make_shared<Work>();
  work->done = std::move(done);
  commands_.send({"SMEMBERS", options_.names.author(user)},
      [names = options_.names, &commands = commands_, user, texts, work](const Answer& found) {
    if (!found) return work->done(std::unexpected(refusal_of(found.error())));
    std::vector<std::string> rooms;
    for (const auto& item : found->items) rooms.push_back(item.text);
    const auto all = std::make_shared<AllAnswered>([names, &commands, user, texts, work] {
      if (work->failed) return work->done(std::unexpected(refusal_of(*work->failed)));
      // Without the texts: they may be forgotten later.
      if (texts) commands.send({"DEL", names.author(user)}, [](const Answer&) {});
      std::ranges::sort(work->detached.rooms, {}, [](const auto& detached) { return detached.room.str(); });
      work->detached.any = !work->detached.rooms.empty();
      work->done(std::move(work->detached));
    });
    for (const auto& room : rooms)
      commands.send(eval(scripts::kDetach, keys_of(names, RoomName(room)),
                        {user.str(), std::string(kDetachedName), number(kRecoverableChanges), texts ? "1" : "0"}),
          [room, work, all](const Answer& answer) {
        if (!answer)
          work->failed = answer.error();
        else if (answer->integer > 0)
          work->detached.rooms.push_back({RoomName(room), static_cast<Offset>(answer->integer)});
      });
  });
}

} // namespace foyer::engine
