#include "harness/invariants.h"

#include <fmt/format.h>

#include <algorithm>

namespace foyer::harness {
namespace {

constexpr std::size_t kFaults = 20; // more tell nothing new

std::string string_of(const json::Object& object, std::string_view name) {
  return std::string(json::get_string(object, name).value_or(""));
}

// The body of a message, if it is told here: a client without the feature `data` hears an empty text for data.
std::optional<std::string> body_of(const json::Object& message) {
  if (const auto* data = message.if_contains("data")) return "data " + json::write(*data);
  std::string text = string_of(message, "message");
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

const json::Array& rows_of(const json::Object& message) {
  static const json::Array none;
  const auto* rows = message.if_contains("messages");
  return rows != nullptr && rows->is_array() ? rows->get_array() : none;
}

} // namespace

// What one of both does not tell contradicts nothing. A text may be deleted, and an author may lose
// the name, but neither comes back or becomes another.
bool Invariants::Content::contradicts(const Content& other) const {
  const auto differ = [](const std::string& a, const std::string& b) { return !a.empty() && !b.empty() && a != b; };
  if (differ(author, other.author) || differ(time, other.time)) return true;
  return !deleted && !other.deleted && text && other.text && *text != *other.text;
}

void Invariants::Content::add(const Content& other) {
  if (author.empty()) author = other.author;
  if (time.empty()) time = other.time;
  if (!text) text = other.text;
  deleted = deleted || other.deleted;
}

std::string Invariants::Content::words() const {
  return fmt::format("{} at {}: {}", author, time, deleted ? "(deleted)" : text.value_or("(not told)").substr(0, 60));
}

void Invariants::fault(const std::string& who, std::string_view what, std::string_view text) {
  if (faults_.size() < kFaults)
    faults_.push_back(fmt::format("{}: {}{}{}", who, what, text.empty() ? "" : "\n  heard ", text.substr(0, 600)));
}

void Invariants::said(const std::string& who, std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) return;
  const json::Object& command = parsed->get_object();
  const std::string type = string_of(command, "type");
  Client& client = clients_[who];
  client.open = true;
  const auto id = json::get_int(command, "id");
  if ((type == "chat" || type == "publish") && id)
    if (auto body = body_of(command)) client.chats[*id] = std::move(*body);
  if (type != "join") return;
  Join join{.id = id, .since = std::nullopt};
  if (const auto* since = command.if_contains("since"); since != nullptr && since->is_object()) {
    const auto offset = json::get_int(since->get_object(), "offset");
    if (offset) join.since = Since{string_of(since->get_object(), "epoch"), *offset};
  }
  client.seats[string_of(command, "room")].joins.push_back(std::move(join));
}

void Invariants::ended(const std::string& who) {
  Client& client = clients_[who];
  client.open = client.deaf = false;
  client.chats.clear();
  for (auto& [room, seat] : client.seats) {
    seat.live = seat.catching_up = false;
    seat.gap.clear();
    seat.joins.clear();
  }
}

void Invariants::deaf(const std::string& who) { clients_[who].deaf = true; }

void Invariants::heard(const std::string& who, std::string_view text) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->is_object()) return; // an echo
  const json::Object& message = parsed->get_object();
  const std::string type = string_of(message, "type");
  const std::string room = string_of(message, "room");
  ++messages_;
  if (type == "joined") return joined(who, room, message, text);
  if (type == "message") return this->message(who, room, message, text);
  if (type == "sent") return sent(who, room, message, text);
  if (type == "history") return history(who, room, message, text);
  if (type == "error") return refused(who, message);
  if (type == "deleted") return deleted(room, json::get_int(message, "offset").value_or(0));
  if (type == "left" || type == "room_removed" || type == "room_reset")
    clients_[who].seats[room].live = false, clients_[who].seats[room].gap.clear();
}

void Invariants::learn(const std::string& who, const History& history, std::int64_t offset, const Content& content,
    std::string_view text) {
  auto [known, fresh] = truths_[history].contents.try_emplace(offset, content);
  if (fresh) return;
  if (known->second.contradicts(content))
    fault(who,
        fmt::format("offset {} of {} in epoch {} has two contents: {}; {}", offset, history.first, history.second,
            known->second.words(), content.words()),
        text);
  known->second.add(content);
}

void Invariants::know(
    const std::string& who, Seat& seat, const std::string& room, const json::Object& row, std::string_view text) {
  Content content{.author = {},
      .time = string_of(row, "time"),
      .text = std::nullopt,
      .deleted = json::get_bool(row, "deleted").value_or(false)};
  if (const auto* from = row.if_contains("from"); from != nullptr && from->is_object())
    content.author = string_of(from->get_object(), "id");
  if (!content.deleted && !json::get_bool(row, "too_large").value_or(false)) content.text = body_of(row);
  const std::string epoch = string_of(row, "epoch");
  const std::int64_t offset = json::get_int(row, "offset").value_or(0);
  learn(who, {room, epoch}, offset, content, text);
  seat.known[{epoch, offset}] = std::move(content);
}

void Invariants::message(
    const std::string& who, const std::string& room, const json::Object& message, std::string_view text) {
  Seat& seat = clients_[who].seats[room];
  know(who, seat, room, message, text);
  const std::int64_t offset = json::get_int(message, "offset").value_or(0);
  if (!seat.live) return fault(who, "a message of a room that it is not in", text);
  if (string_of(message, "epoch") != seat.epoch)
    return fault(who, fmt::format("a message of another epoch than {}, in which it joined", seat.epoch), text);
  if (offset <= seat.last) return fault(who, fmt::format("a message that it has: it is at {}", seat.last), text);
  if (offset > seat.last + 1 && seat.gap.empty()) {
    seat.gap = fmt::format("{} came behind {}", offset, seat.last);
    seat.gap_after = seat.last;
  }
  seat.last = offset;
}

void Invariants::joined(
    const std::string& who, const std::string& room, const json::Object& message, std::string_view text) {
  Seat& seat = clients_[who].seats[room];
  const auto id = json::get_int(message, "id");
  std::optional<Since> since;
  bool asked = false;
  for (auto it = seat.joins.begin(); it != seat.joins.end() && !asked; ++it) {
    if (it->id != id) continue;
    asked = true;
    since = it->since;
    seat.joins.erase(it);
    break;
  }
  const std::string epoch = string_of(message, "epoch");
  const std::int64_t end = json::get_int(message, "offset").value_or(0);
  const bool by_server = !id && string_of(message, "by") == "server";
  if (by_server && !asked) // from a position that the application gave
    since = Since{epoch,
        rows_of(message).empty() ? end : json::get_int(rows_of(message).front().as_object(), "offset").value_or(0) - 1};
  else if (!asked || by_server)
    fault(who, "an answer to a join that it did not ask", text);
  for (const auto& row : rows_of(message)) know(who, seat, room, row.as_object(), text);
  const bool is_recovered = json::get_bool(message, "recovered").value_or(false);
  if (is_recovered) recovered(who, seat, room, since, message, text);
  if (!is_recovered || (since && since->offset <= seat.gap_after)) seat.gap.clear();
  seat.live = true;
  seat.epoch = epoch;
  seat.last = end;
  seat.catching_up = is_recovered && json::get_bool(message, "more").value_or(false);
  if (seat.catching_up && since)
    seat.last = rows_of(message).empty() ? since->offset
                                         : json::get_int(rows_of(message).back().as_object(), "offset").value_or(0);
}

void Invariants::recovered(const std::string& who, Seat& seat, const std::string& room,
    const std::optional<Since>& since, const json::Object& message, std::string_view text) {
  const std::string epoch = string_of(message, "epoch");
  if (!since || since->epoch != epoch)
    return fault(who, "recovered:true to a client that showed no position of this epoch", text);
  std::int64_t next = since->offset + 1;
  for (const auto& row : rows_of(message)) {
    if (json::get_int(row.as_object(), "offset") != next)
      return fault(who, fmt::format("recovered:true without offset {}", next), text);
    ++next;
  }
  const bool more = json::get_bool(message, "more").value_or(false);
  if (!more && json::get_int(message, "offset") != next - 1)
    return fault(who, fmt::format("recovered:true without offset {}", next), text);
  const Truth& truth = truths_[{room, epoch}];
  for (const auto& [place, content] : seat.known) {
    const auto& [of_epoch, offset] = place;
    if (of_epoch != epoch || offset > since->offset) continue;
    const auto now = truth.contents.find(offset);
    if (now != truth.contents.end() && !now->second.contradicts(content)) continue;
    const auto old = truth.superseded.find(offset);
    const bool superseded = old != truth.superseded.end() &&
        std::ranges::any_of(old->second, [&](const Content& c) { return !c.contradicts(content); });
    if (now != truth.contents.end() || superseded)
      return fault(
          who, fmt::format("recovered:true to a client that has another offset {}: {}", offset, content.words()), text);
  }
}

void Invariants::sent(
    const std::string& who, const std::string& room, const json::Object& message, std::string_view text) {
  Client& client = clients_[who];
  const History history{room, string_of(message, "epoch")};
  const std::int64_t offset = json::get_int(message, "offset").value_or(0);
  Content content{.author = {}, .time = string_of(message, "time"), .text = std::nullopt};
  if (const auto id = json::get_int(message, "id")) {
    if (const auto said = client.chats.find(*id); said != client.chats.end()) {
      content.text = said->second;
      client.chats.erase(said);
    }
  }
  learn(who, history, offset, content, text);
  truths_[history].acknowledged.insert(offset);
}

void Invariants::history(
    const std::string& who, const std::string& room, const json::Object& message, std::string_view text) {
  Seat& seat = clients_[who].seats[room];
  std::int64_t before = 0;
  for (const auto& row : rows_of(message)) {
    const std::int64_t offset = json::get_int(row.as_object(), "offset").value_or(0);
    if (offset <= before) fault(who, "a history that is not in order", text);
    before = offset;
    know(who, seat, room, row.as_object(), text);
    if (seat.catching_up && offset == seat.last + 1) ++seat.last;
  }
}

// A join that was refused has its answer, too.
void Invariants::refused(const std::string& who, const json::Object& message) {
  const auto id = json::get_int(message, "id");
  for (auto& [room, seat] : clients_[who].seats) {
    const auto join = std::ranges::find_if(seat.joins, [&](const Join& j) { return j.id == id; });
    if (join == seat.joins.end()) continue;
    if (id) seat.joins.erase(join);
    return; // of those without a number nobody knows which one it was
  }
}

void Invariants::deleted(const std::string& room, std::int64_t offset) {
  for (auto& [history, truth] : truths_)
    if (history.first == room)
      if (const auto found = truth.contents.find(offset); found != truth.contents.end()) found->second.deleted = true;
}

void Invariants::went_back(const Heads& heads) {
  for (auto& [history, truth] : truths_) {
    const auto head = heads.find(history);
    const std::int64_t to = head == heads.end() ? 0 : head->second;
    for (auto it = truth.contents.upper_bound(to); it != truth.contents.end(); it = truth.contents.erase(it))
      truth.superseded[it->first].push_back(it->second);
    truth.acknowledged.erase(truth.acknowledged.upper_bound(to), truth.acknowledged.end());
  }
}

void Invariants::at_rest() {
  for (auto& [who, client] : clients_) {
    if (!client.open || client.deaf) continue;
    for (const auto& [room, seat] : client.seats) {
      if (!seat.live) continue;
      if (!seat.gap.empty()) fault(who, fmt::format("a gap in {} that nothing made good: {}", room, seat.gap), {});
      if (seat.catching_up) continue;
      const auto truth = truths_.find({room, seat.epoch});
      if (truth == truths_.end() || truth->second.acknowledged.empty()) continue;
      const std::int64_t newest = *truth->second.acknowledged.rbegin();
      if (newest > seat.last)
        fault(who,
            fmt::format(
                "offset {} of {} was acknowledged, and it has heard nothing behind {}", newest, room, seat.last),
            {});
    }
  }
}

} // namespace foyer::harness
