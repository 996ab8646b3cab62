// A bounded queue that gives every client a share: networks take turns,
// the addresses of a network take turns, and one address keeps its order. Earlier
// classes go first, but at most seven times in a row while others wait.
//
//   known   a user who has signed in from that address before
//   login   any other login
//   other   registrations, and everything that can wait
//
// An address (or network) that submitted often in the last seconds is served after those
// of its class that did not, including its earlier work: so is the flood of a hundred
// addresses after another user's first login.
// When the queue is full, the newest work of the owner with the most waiting in the last
// class makes room for an owner with less; otherwise the new work is refused.
//
// Not thread safe; WorkQueue holds its lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/executor.h"

namespace foyer::exec {

enum class WorkClass : std::uint8_t { known, login, other };

struct Share {
  WorkClass of = WorkClass::known;
  bool often = false;       // this owner has submitted often lately
  std::string network = {}; // empty: the process itself
  std::string address = {};
};

struct Work {
  Task run;
  Task dropped = {}; // in place of run, when it had to make room
  Share share = {};
};

class FairQueue {
 public:
  static constexpr std::size_t kInARow = 7;

  explicit FairQueue(std::size_t limit) : limit_(limit) {}

  // The work that found no room: the new one, or another that made room for it.
  struct Push {
    bool taken = false;
    std::optional<Work> dropped = {};
  };
  [[nodiscard]] Push push(Work work);
  [[nodiscard]] std::optional<Work> pop();
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Line { // of one network
    std::unordered_map<std::string, std::deque<Work>> by_address;
    std::deque<std::string> turn; // addresses with work, the next one first
  };
  struct Class {
    std::unordered_map<std::string, Line> by_network;
    std::deque<std::string> turn;
    std::size_t size = 0;
  };
  static constexpr std::size_t kClasses = 6; // WorkClass, each with and without `often`
  [[nodiscard]] static std::size_t place(const Share& share);
  [[nodiscard]] std::size_t waiting_of(const Class& of, const Share& share) const;
  [[nodiscard]] std::optional<Work> make_room(const Share& newcomer);
  void add(Work work);
  void demote(Share share); // this owner submits often after all
  [[nodiscard]] Work take_newest(Class& from, const std::string& network, const std::string& address);
  [[nodiscard]] Class* next_class();

  const std::size_t limit_;
  std::array<Class, kClasses> classes_;
  std::size_t size_ = 0;
  std::size_t in_a_row_ = 0; // taken from the first class with work while another waited
  std::size_t yielded_ = 0;  // the class that was served last when the first one yielded
};

} // namespace foyer::exec
