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
#include <limits>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/row_index.h"

namespace foyer {

template <class T>
class TextTable {
 public:
  TextTable() = default;
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;
  ~TextTable() {
    for (std::size_t slot = 0; slot < rows_.slots(); ++slot)
      if (Row* const row = rows_.in_slot(slot)) release(row);
  }

  [[nodiscard]] T* find(std::string_view key) const { // null: none
    Row* const row = rows_.find(key);
    return row == nullptr ? nullptr : &row->value;
  }
  // The value of the key, and true if it is new and default-made. Throws std::length_error for a key of 64 KiB.
  std::pair<T*, bool> add(std::string_view key) {
    if (T* const value = find(key)) return {value, false};
    Row* const row = make(key);
    rows_.add(*row);
    return {&row->value, true};
  }
  void erase(const T& value) { // one of this table
    Row* const row = rows_.find(key_of(value));
    rows_.erase(*row);
    release(row);
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
    for (std::size_t slot = 0; slot < rows_.slots(); ++slot)
      if (const Row* row = rows_.in_slot(slot); row != nullptr && !act(key_of(row->value), row->value)) return;
  }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }

 private:
  struct Row {
    T value{};
    std::uint16_t size; // of the text, which follows
  };
  struct KeyOf {
    [[nodiscard]] std::string_view operator()(const Row& row) const { return key_of(row.value); }
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

  RowIndex<Row, KeyOf> rows_;
};

} // namespace foyer
