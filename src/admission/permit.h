// Returns, once, what was taken from a limit.
#pragma once

#include <functional>
#include <utility>

namespace foyer::admission {

// Movable; empty after a move.
class Permit {
 public:
  Permit() = default;
  explicit Permit(std::move_only_function<void()> give_back) : give_back_(std::move(give_back)) {}
  Permit(Permit&& other) noexcept : give_back_(std::exchange(other.give_back_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    if (this != &other) {
      release();
      give_back_ = std::exchange(other.give_back_, nullptr);
    }
    return *this;
  }
  ~Permit() { release(); }
  void release() {
    if (auto give_back = std::exchange(give_back_, nullptr)) give_back();
  }
  explicit operator bool() const { return static_cast<bool>(give_back_); }

 private:
  std::move_only_function<void()> give_back_;
};

} // namespace foyer::admission
