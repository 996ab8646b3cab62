// A hash table whose keys are short texts, for tables with a row for each user. A row is one allocation with its key
// behind the value, and the table itself is one array of pointers: std::unordered_map needs two allocations for a key
// of more than 15 bytes, and for a shorter one twice the memory.
//
//   TextTable<std::uint32_t> open;
//   ++*open.add("ann").first;
//
// A value stays in its place until it is erased.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace foyer {

template <class T>
class TextTable {
 public:
  TextTable() = default;
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;
  ~TextTable() {
    for (Row* row : slots_)
      if (row != nullptr) release(row);
  }

  [[nodiscard]] T* find(std::string_view key) const { // null: none
    if (size_ == 0) return nullptr;
    Row* const row = slots_[slot_of(key)];
    return row == nullptr ? nullptr : &row->value;
  }
  // The value of the key, and true if it is new and default-made. Throws std::length_error for a key of 64 KiB.
  std::pair<T*, bool> add(std::string_view key) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    Row*& row = slots_[slot_of(key)];
    if (row != nullptr) return {&row->value, false};
    row = make(key);
    ++size_;
    return {&row->value, true};
  }
  void erase(const T& value) { // one of this table
    std::size_t hole = slot_of(key_of(value));
    release(slots_[hole]);
    --size_;
    // Moves rows that a search would no longer find behind the hole into it.
    for (std::size_t at = next(hole); slots_[at] != nullptr; at = next(at)) {
      const std::size_t home = home_of(key_of(slots_[at]->value));
      if (distance(home, at) < distance(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = nullptr;
  }
  // The key of a value that is in a table.
  [[nodiscard]] static std::string_view key_of(const T& value) {
    const auto* row = reinterpret_cast<const char*>(&value);
    std::uint16_t size = 0;
    std::memcpy(&size, row + sizeof(T), sizeof size);
    return {row + kText, size};
  }
  // Calls act(key, value) in no particular order, until it returns false.
  template <class Act>
  void each(Act act) const {
    for (const Row* row : slots_)
      if (row != nullptr && !act(key_of(row->value), row->value)) return;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  struct Row {
    T value{};
    std::uint16_t size; // of the text, which follows
  };
  static constexpr std::size_t kText = sizeof(T) + sizeof(std::uint16_t);
  static_assert(alignof(T) <= alignof(std::max_align_t));
  static_assert(alignof(T) >= alignof(std::uint16_t)); // so that nothing is between the value and the size

  static Row* make(std::string_view key) {
    if (key.size() > std::numeric_limits<std::uint16_t>::max()) throw std::length_error("TextTable: key");
    void* const place = ::operator new(std::max(sizeof(Row), kText + key.size()));
    auto* const row = ::new (place) Row{.size = static_cast<std::uint16_t>(key.size())};
    std::memcpy(static_cast<char*>(place) + kText, key.data(), key.size());
    return row;
  }
  static void release(Row* row) {
    row->~Row();
    ::operator delete(row);
  }
  [[nodiscard]] std::size_t home_of(std::string_view key) const {
    // The lowest bits of the hash may be the same in all keys, where they have chosen the table.
    constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;
    return std::hash<std::string_view>{}(key)*kMix >> 32 & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const {
    return (to - from) & (slots_.size() - 1);
  }
  // Where the key is, or the free slot where it belongs.
  [[nodiscard]] std::size_t slot_of(std::string_view key) const {
    std::size_t slot = home_of(key);
    while (slots_[slot] != nullptr && key_of(slots_[slot]->value) != key) slot = next(slot);
    return slot;
  }
  void grow() {
    std::vector<Row*> before(std::max<std::size_t>(8, slots_.size() * 2), nullptr);
    before.swap(slots_);
    for (Row* row : before)
      if (row != nullptr) slots_[slot_of(key_of(row->value))] = row;
  }

  std::vector<Row*> slots_; // a power of two, at most three quarters in use: a search ends at the first free one
  std::size_t size_ = 0;
};

} // namespace foyer
