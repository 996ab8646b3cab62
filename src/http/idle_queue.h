// HTTP connections between two requests, the longest idle first. When connection_limit is
// reached they make room for new connections, since they serve no request.
#pragma once

namespace foyer::http {

// A place in the queue, inside its owner; the destructor leaves the queue.
class IdleLink {
 public:
  IdleLink() = default;
  IdleLink(const IdleLink&) = delete;
  IdleLink& operator=(const IdleLink&) = delete;
  virtual ~IdleLink() { stop_idling(); }

  // At the end of the queue whose head is `head`.
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
  [[nodiscard]] IdleLink* first() const { return next_ == this ? nullptr : next_; } // of a head
  virtual void give_way() {}                                                        // may destroy this

 private:
  IdleLink* previous_ = this;
  IdleLink* next_ = this;
};

} // namespace foyer::http
