#include "engine/memory/room_history.h"

#include <algorithm>

#include "base/bytes.h"

namespace foyer::engine {
namespace {

std::string digest_of(const AppendRequest& question) {
  std::string digest = sha256(question.text);
  digest.push_back(static_cast<char>(question.type));
  return digest;
}

} // namespace

Result<Appended> RoomHistory::append(AppendRequest question, MonoTime now) {
  forget_keys(now);
  std::string key;
  std::string digest;
  if (!question.key.empty()) {
    key = question.from.id.str() + '\0' + question.key;
    digest = digest_of(question);
    if (const auto found = keys_.find(key); found != keys_.end()) {
      if (found->second.digest != digest) return refuse_field(Cause::KEY_REUSED, "key");
      return Appended{.epoch = epoch_, .offset = found->second.offset, .time = found->second.time, .duplicate = true};
    }
    if (keys_.size() >= limits_.keys) {
      Refusal full{
          .cause = Cause::RATE_LIMITED, .evidence = "the room remembers as many keys as it may", .field = "key"};
      full.retry_after = std::chrono::ceil<Millis>(key_ages_.front().first - now);
      return std::unexpected(std::move(full));
    }
  }
  if (share_ != nullptr && share_->used + question.text.size() > share_->limit) {
    if (share_->refused != nullptr) share_->refused->add();
    return std::unexpected(Refusal{.cause = Cause::BUSY,
        .evidence = "memory_bytes: rooms that are kept in memory hold as much as they may",
        .retry_after = Millis{1'000}});
  }
  Appended done{.epoch = epoch_, .offset = ++last_, .time = question.time};
  if (!key.empty()) {
    key_ages_.emplace_back(now + kKeyLife, key);
    keys_.emplace(std::move(key), Key{std::move(digest), done.offset, done.time});
  }
  count(bytes_ + question.text.size());
  messages_.push_back({.offset = done.offset,
      .from = std::move(question.from),
      .text = std::move(question.text),
      .time = done.time,
      .key = std::move(question.key),
      .type = question.type});
  trim();
  return done;
}

Result<Erased> RoomHistory::erase(Offset offset, const UserId& by, bool any) {
  if (messages_.empty() || offset < messages_.front().offset || offset > last_)
    return refuse_field(Cause::NOT_FOUND, "offset");
  Message& message = messages_[static_cast<std::size_t>(offset - messages_.front().offset)];
  if (!any && message.from.id != by) return refuse(Cause::PERMISSION_DENIED, "the message is another user's");
  if (message.deleted) {
    const auto known = std::ranges::find_if(
        changes_, [offset](const Change& c) { return c.kind == ChangeKind::deleted && c.offset == offset; });
    return Erased{.offset = offset, .change = known == changes_.end() ? 0 : known->number};
  }
  erase_body(message);
  return Erased{.offset = offset, .change = add_change({.kind = ChangeKind::deleted, .offset = offset})};
}

HistoryPage RoomHistory::history(const HistoryRequest& question) const {
  HistoryPage page;
  page.change = last_change_;
  page.epoch = epoch_;
  page.head = last_;
  if (question.time_of) page.time_of = time_of(*question.time_of);
  if (question.changes_after) {
    for (const Change& c : changes_)
      if (c.number > *question.changes_after) page.changes.push_back(c);
    page.changes_whole =
        *question.changes_after <= last_change_ && page.changes.size() == last_change_ - *question.changes_after;
  }
  if (messages_.empty()) return page;
  const Offset low = std::max(question.after ? *question.after + 1 : 0, messages_.front().offset);
  Offset high = last_;
  if (question.up_to) high = std::min(high, *question.up_to);
  if (question.before) high = *question.before == 0 ? 0 : std::min(high, *question.before - 1);
  if (high < low) return page;
  const std::uint64_t there = high - low + 1;
  std::uint64_t n = std::min<std::uint64_t>(there, std::min(question.limit, kHistoryLimit));
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const Offset at = (question.after ? low + i : high - i) - messages_.front().offset;
    bytes += messages_[static_cast<std::size_t>(at)].text.size();
    if (bytes >= question.bytes) n = i + 1;
  }
  page.more = there > n;
  const Offset first = question.after ? low : high - n + 1;
  const auto begin = messages_.begin() + static_cast<std::ptrdiff_t>(first - messages_.front().offset);
  page.messages.assign(begin, begin + static_cast<std::ptrdiff_t>(n));
  return page;
}

std::optional<WallTime> RoomHistory::time_of(Offset offset) const {
  if (messages_.empty() || offset < messages_.front().offset || offset > last_) return std::nullopt;
  return messages_[static_cast<std::size_t>(offset - messages_.front().offset)].time;
}

std::optional<Offset> RoomHistory::detach_author(const UserId& user, Forget what) {
  const bool texts = what == Forget::name_and_texts;
  bool any = false;
  for (Message& message : messages_) {
    if (message.from.id != user) continue;
    if (message.from.name != kDetachedName) message.from.name = kDetachedName, any = true;
    if (texts && !message.deleted) erase_body(message), any = true;
  }
  if (!any) return std::nullopt;
  return add_change({.kind = texts ? ChangeKind::author_erased : ChangeKind::author_detached, .user = user});
}

void RoomHistory::erase_body(Message& message) {
  count(bytes_ - message.text.size());
  message.text = {};
  message.type = BodyType::text;
  message.deleted = true;
}

Offset RoomHistory::add_change(Change change) {
  change.number = ++last_change_;
  changes_.push_back(std::move(change));
  if (changes_.size() > kRecoverableChanges) changes_.pop_front();
  return last_change_;
}

void RoomHistory::forget_keys(MonoTime now) {
  while (!key_ages_.empty() && key_ages_.front().first <= now) {
    keys_.erase(key_ages_.front().second);
    key_ages_.pop_front();
  }
}

void RoomHistory::count(std::size_t bytes) {
  if (share_ != nullptr) share_->used = share_->used - bytes_ + bytes;
  bytes_ = bytes;
}

void RoomHistory::clear() {
  messages_.clear();
  keys_.clear();
  key_ages_.clear();
  count(0);
}

void RoomHistory::trim() {
  while (messages_.size() > limits_.messages || (bytes_ > limits_.bytes && messages_.size() > 1)) {
    count(bytes_ - messages_.front().text.size());
    messages_.pop_front();
  }
}

} // namespace foyer::engine
