// The objects of one loop, each under an id that is never reused: a late answer from another thread finds
// its object or nothing.
//
//   slot 0   generation 1   an object        id {0, 1}
//   slot 1   generation 3   free             ids {1, 1} to {1, 3} find nothing
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace foyer::io {

struct SlotId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  bool operator==(const SlotId&) const = default;
};

template <class T>
class SlotTable {
 public:
  // The generations of a slot are `first` to `last`, then `first` again.
  explicit SlotTable(std::uint32_t first = 1, std::uint32_t last = std::numeric_limits<std::uint32_t>::max())
      : first_(first),
        last_(last) {}

  // `make(SlotId)` makes the object, a std::unique_ptr<T>.
  template <class Make>
  T& add(Make make) {
    const SlotId id = take();
    std::unique_ptr<T> made = make(id);
    T& object = *made;
    slots_[id.slot].object = std::move(made);
    ++size_;
    return object;
  }
  // Null: no such object, or a later one in its slot.
  [[nodiscard]] T* find(SlotId id) const {
    if (id.slot >= slots_.size() || slots_[id.slot].generation != id.generation) return nullptr;
    return slots_[id.slot].object.get();
  }
  [[nodiscard]] T* in_slot(std::uint32_t slot) const { return slots_[slot].object.get(); } // null: free
  [[nodiscard]] SlotId id_of(std::uint32_t slot) const { return {slot, slots_[slot].generation}; }
  // Removes and returns the object of a slot that is not free.
  [[nodiscard]] std::unique_ptr<T> remove(std::uint32_t slot) {
    std::unique_ptr<T> object = std::move(slots_[slot].object);
    slots_[slot].next_free = std::exchange(free_, slot);
    --size_;
    return object;
  }
  // `act(T&)` may add and remove objects; it is unspecified whether it is called for added ones.
  template <class Act>
  void each(Act act) const {
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (T* object = slots_[i].object.get()) act(*object);
  }

  [[nodiscard]] std::size_t size() const { return size_; } // objects
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t slots() const { return slots_.size(); } // free ones, too

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  struct Slot {
    std::unique_ptr<T> object;
    std::uint32_t generation = 0;
    std::uint32_t next_free = kNone;
  };

  SlotId take() {
    std::uint32_t slot = free_;
    if (slot == kNone) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back().generation = first_;
      return {slot, first_};
    }
    Slot& place = slots_[slot];
    free_ = place.next_free;
    place.generation = place.generation == last_ ? first_ : place.generation + 1;
    return {slot, place.generation};
  }

  std::uint32_t first_, last_;
  std::uint32_t free_ = kNone; // the first of a list: the slot that was freed last
  std::size_t size_ = 0;
  std::vector<Slot> slots_;
};

} // namespace foyer::io
