// HTTP connections between two requests, those that have been idle longest first. When
// connection_limit is reached they make room for who comes new: nobody is served by them.
#pragma once

namespace foyer::gateway {

// A place in the list, inside its owner; leaves it when it is destroyed.
class Idle {
 public:
  Idle() = default;
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;
  virtual ~Idle() { stop_idling(); }

  // At the end of the list whose head is `head`.
  void idle_in(Idle& head) {
    stop_idling();
    next_ = &head;
    previous_ = head.previous_;
    previous_->next_ = this;
    head.previous_ = this;
  }
  void stop_idling() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }
  [[nodiscard]] Idle* first() const { return next_ == this ? nullptr : next_; } // of a head
  virtual void give_way() {}                                                    // may destroy this

 private:
  Idle* previous_ = this;
  Idle* next_ = this;
};

} // namespace foyer::gateway
