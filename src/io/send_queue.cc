#include "io/send_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace foyer::io {

void Backlog::push(SharedBytes bytes) {
  bytes_ += bytes->size();
  units_.push_back(std::move(bytes));
}

std::size_t Backlog::gather(std::span<iovec> out) const {
  std::size_t filled = 0;
  std::size_t skip = started_;
  for (std::size_t i = first_; i < units_.size() && filled < out.size(); ++i, ++filled) {
    const std::string& unit = *units_[i];
    out[filled] = {const_cast<char*>(unit.data()) + skip, unit.size() - skip};
    skip = 0;
  }
  return filled;
}

void Backlog::consume(std::size_t count) {
  bytes_ -= count;
  while (count > 0) {
    const std::size_t left = units_[first_]->size() - started_;
    if (count < left) {
      started_ += count;
      break;
    }
    count -= left;
    started_ = 0;
    units_[first_++].reset();
  }
  // Keeps the consumed front at no more than half of the vector.
  if (first_ == units_.size()) {
    units_.clear();
    first_ = 0;
  } else if (first_ > 64 && first_ * 2 > units_.size()) {
    units_.erase(units_.begin(), units_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

std::size_t Backlog::drop_unstarted() {
  const std::size_t keep = started_ > 0 ? units_[first_]->size() - started_ : 0;
  const std::size_t dropped = bytes_ - keep;
  units_.resize(first_ + (started_ > 0 ? 1 : 0));
  bytes_ = keep;
  return dropped;
}

BatchQueue::BatchQueue() : entries_(1), flat_(std::make_unique_for_overwrite<char[]>(kContiguous)) {}

BatchQueue::List BatchQueue::append_new(List list, const SharedBytes& bytes) {
  if (!bytes || bytes->empty()) return list;
  const auto added = static_cast<List>(entries_.size());
  const std::size_t total = entries_[list].total + bytes->size();
  entries_.push_back({.shared = bytes, .total = total, .parent = list});
  entries_[list].newest_child = added;
  return added;
}

BatchQueue::List BatchQueue::append_copy(List list, std::string_view bytes) {
  if (bytes.empty()) return list;
  constexpr std::size_t kCopiesLimit = 1U << 30;
  if (bytes.size() > kContiguous || copies_.size() > kCopiesLimit) return append(list, share(std::string{bytes}));
  const auto added = static_cast<List>(entries_.size());
  const std::size_t total = entries_[list].total + bytes.size();
  entries_.push_back({.shared = nullptr,
      .total = total,
      .parent = list,
      .copy_at = static_cast<std::uint32_t>(copies_.size()),
      .copy_size = static_cast<std::uint32_t>(bytes.size())});
  copies_.append(bytes);
  return added;
}

std::optional<std::string_view> BatchQueue::contiguous(List list) {
  const Entry& last = entries_[list];
  if (last.parent == kEmpty) return own_bytes(last);
  if (last.total > kContiguous) return std::nullopt;
  if (flat_of_ != list) {
    std::size_t end = last.total;
    for (List at = list; at != kEmpty; at = entries_[at].parent) {
      const std::string_view bytes = own_bytes(entries_[at]);
      end -= bytes.size();
      std::memcpy(flat_.get() + end, bytes.data(), bytes.size());
    }
    flat_of_ = list;
  }
  return std::string_view{flat_.get(), last.total};
}

void BatchQueue::keep(List list, Backlog& backlog) const {
  std::vector<List> path;
  for (List at = list; at != kEmpty; at = entries_[at].parent) path.push_back(at);
  for (auto at = path.rbegin(); at != path.rend(); ++at) {
    const Entry& entry = entries_[*at];
    backlog.push(entry.shared ? entry.shared : share(std::string{own_bytes(entry)}));
  }
}

void BatchQueue::clear() {
  constexpr std::size_t kKeptEntries = 16 * 1024;
  constexpr std::size_t kKeptCopies = 1024 * 1024;
  flat_of_ = kEmpty;
  if (entries_.size() > 1) {
    if (entries_.capacity() > kKeptEntries) std::vector<Entry>(1).swap(entries_);
    entries_.resize(1);
    entries_[0].newest_child = kEmpty;
  }
  if (copies_.capacity() > kKeptCopies) std::string{}.swap(copies_);
  copies_.clear();
}

void BatchQueue::shrink() {
  if (entries_.capacity() * sizeof(Entry) > kSmall) std::vector<Entry>(1).swap(entries_);
  if (copies_.capacity() > kSmall) std::string{}.swap(copies_);
}

} // namespace foyer::io
