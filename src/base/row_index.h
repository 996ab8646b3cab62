// Finds rows by a text that lies in them. The rows belong to somebody else, and the index is one array of pointers to
// them: 11 to 21 bytes for each row, where std::unordered_set allocates 32 for its node alone.
//
//   struct NameOf { std::string_view operator()(const User& user) const { return user.name; } };
//   RowIndex<User, NameOf> users;
//   users.add(ann);
//   User* found = users.find("ann");
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace foyer {

template <class Row, class KeyOf>
class RowIndex {
 public:
  [[nodiscard]] Row* find(std::string_view key) const { // null: none
    return size_ == 0 ? nullptr : slots_[slot_of(key)];
  }
  // REQUIRES: there is no row with its key.
  void add(Row& row) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    slots_[slot_of(KeyOf{}(row))] = &row;
    ++size_;
  }
  // Another row takes the place of the one that has the same key. REQUIRES: there is one.
  void replace(Row& row) { slots_[slot_of(KeyOf{}(row))] = &row; }
  // REQUIRES: it is in the index, and its key can still be read.
  void erase(const Row& row) {
    std::size_t hole = slot_of(KeyOf{}(row));
    --size_;
    // Moves rows that a search would no longer find behind the hole into it.
    for (std::size_t at = next(hole); slots_[at] != nullptr; at = next(at)) {
      const std::size_t home = home_of(KeyOf{}(*slots_[at]));
      if (distance(home, at) < distance(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = nullptr;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  // For those who walk over the rows: null where none is. erase() may move a later row to the slot of the one that it
  // erases; add() may move all.
  [[nodiscard]] std::size_t slots() const { return slots_.size(); }
  [[nodiscard]] Row* in_slot(std::size_t slot) const { return slots_[slot]; }

 private:
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
    while (slots_[slot] != nullptr && KeyOf{}(*slots_[slot]) != key) slot = next(slot);
    return slot;
  }
  void grow() {
    std::vector<Row*> before(std::max<std::size_t>(8, slots_.size() * 2), nullptr);
    before.swap(slots_);
    for (Row* row : before)
      if (row != nullptr) slots_[slot_of(KeyOf{}(*row))] = row;
  }

  std::vector<Row*> slots_; // a power of two, at most three quarters in use: a search ends at the first free one
  std::size_t size_ = 0;
};

} // namespace foyer
