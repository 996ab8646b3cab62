// HTTP connections between two requests, the longest idle first. When connection_limit is reached they are closed to
// make room for new connections, since they serve no request (RFC 9112 §9.5).
#pragma once

namespace foyer::http {

// An intrusive link of the queue, a base of its owner. The destructor removes it.
class IdleLink {
 public:
  IdleLink() = default;
  IdleLink(const IdleLink&) = delete;
  IdleLink& operator=(const IdleLink&) = delete;
  virtual ~IdleLink() { stop_idling(); }

  // Moves to the end of the queue whose head is `head`.
  void idle_in(IdleLink& head) {
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
  [[nodiscard]] bool idling() const { return next_ != this; }
  [[nodiscard]] IdleLink* first() const { return next_ == this ? nullptr : next_; } // of a queue's head; null: empty
  virtual void give_way() {} // close, to make room; may destroy this

 private:
  IdleLink* previous_ = this;
  IdleLink* next_ = this;
};

} // namespace foyer::http
