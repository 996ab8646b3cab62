// A unit taken from a limit; the destructor returns it, once.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace foyer::admission {

// Movable; empty after a move. The returning function is stored in the permit itself: a connection holds three for as
// long as it is open, and none of them allocates.
class Permit {
 public:
  static constexpr std::size_t kRoom = 2 * sizeof(void*); // for the returning function

  Permit() = default;
  template <class GiveBack>
    requires std::is_invocable_v<GiveBack&>
  explicit Permit(GiveBack give_back) noexcept : act_(&act<GiveBack>) {
    static_assert(sizeof(GiveBack) <= kRoom && alignof(GiveBack) <= alignof(void*));
    static_assert(std::is_nothrow_move_constructible_v<GiveBack>);
    ::new (place_) GiveBack(std::move(give_back));
  }
  Permit(Permit&& other) noexcept { take(other); }
  Permit& operator=(Permit&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~Permit() { release(); }
  void release() {
    if (const auto act = std::exchange(act_, nullptr)) act(place_, nullptr);
  }
  explicit operator bool() const { return act_ != nullptr; }

 private:
  // Moves the function at `place` to `to`; without `to`, calls it. Afterwards `place` is empty.
  template <class GiveBack>
  static void act(void* place, void* to) {
    auto& there = *static_cast<GiveBack*>(place);
    GiveBack give_back = std::move(there);
    there.~GiveBack();
    if (to != nullptr)
      ::new (to) GiveBack(std::move(give_back));
    else
      give_back();
  }
  void take(Permit& other) noexcept {
    act_ = std::exchange(other.act_, nullptr);
    if (act_ != nullptr) act_(other.place_, place_);
  }

  void (*act_)(void* place, void* to) = nullptr; // null: empty
  alignas(void*) std::byte place_[kRoom];
};

} // namespace foyer::admission
