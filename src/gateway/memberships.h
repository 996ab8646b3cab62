// The subscriptions of one session: rooms, and where each subscription lies in its room. Most sessions have one, which
// needs no allocation: there are as many of these as connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace foyer::gateway {

struct LocalRoom;

struct Membership {
  LocalRoom* room = nullptr;
  std::uint32_t index = 0; // in room->subscriptions
};

class Memberships {
 public:
  Memberships() = default;
  Memberships(const Memberships&) = delete;
  Memberships& operator=(const Memberships&) = delete;
  ~Memberships() {
    if (several_) delete many_;
  }

  [[nodiscard]] std::size_t size() const { return several_ ? many_->size() : only_ == nullptr ? 0 : 1; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Membership operator[](std::size_t i) const { // REQUIRES: i < size()
    return several_ ? (*many_)[i] : Membership{.room = only_, .index = index_};
  }
  // The first for which `matches(room)` holds; size(): none.
  template <class Matches>
  [[nodiscard]] std::size_t find(Matches matches) const {
    const std::size_t count = size();
    std::size_t i = 0;
    while (i < count && !matches(*(*this)[i].room)) ++i;
    return i;
  }
  // REQUIRES: there is none of the room yet.
  void add(Membership one) {
    if (several_) {
      many_->push_back(one);
    } else if (only_ == nullptr) {
      hold(one);
    } else {
      many_ = new std::vector<Membership>{{.room = only_, .index = index_}, one};
      several_ = true;
    }
  }
  // The last one takes the place of the one that is removed.
  void remove(std::size_t i) {
    if (!several_) return hold({});
    (*many_)[i] = many_->back();
    many_->pop_back();
    if (many_->size() > 1) return;
    const std::unique_ptr<const std::vector<Membership>> former(many_);
    several_ = false;
    hold(former->front());
  }
  // The subscription in `room` has been moved. REQUIRES: there is one.
  void moved(const LocalRoom& room, std::uint32_t index) {
    const std::size_t i = find([&room](const LocalRoom& other) { return &other == &room; });
    (several_ ? (*many_)[i].index : index_) = index;
  }

 private:
  void hold(Membership one) { only_ = one.room, index_ = one.index; }

  union {
    LocalRoom* only_ = nullptr;     // null: none
    std::vector<Membership>* many_; // two or more, if `several_`
  };
  std::uint32_t index_ = 0; // of the only one
  bool several_ = false;
};

} // namespace foyer::gateway
