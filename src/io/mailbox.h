// A queue of tasks from many threads to one loop, which takes them all at once. Lock-free: a put is
// one compare-exchange on the head of a list, taking is one exchange.
//
// Waking costs a system call, so a sender wakes the loop only if it sleeps. Both
// two sides meet over `sleeping_` and `head_` (both sequentially consistent): the
// loop first announces that it will sleep and then checks for mail, a sender first
// leaves mail and then checks whether the loop sleeps. One of them sees the other.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

namespace foyer::io {

class Mailbox {
 public:
  using Task = std::move_only_function<void()>;

  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox() { release(head_.load(std::memory_order_acquire)); }

  // From any thread. True: the loop sleeps and this call must wake it (true for one sender only).
  [[nodiscard]] bool put(Task task) {
    auto* letter = new Letter{std::move(task), head_.load(std::memory_order_relaxed)};
    while (!head_.compare_exchange_weak(letter->next, letter, std::memory_order_seq_cst, std::memory_order_relaxed)) {}
    return rouse();
  }

  // From any thread: true if the loop sleeps and the caller must wake it.
  [[nodiscard]] bool rouse() {
    return sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false, std::memory_order_seq_cst);
  }

  [[nodiscard]] bool empty() const { return head_.load(std::memory_order_relaxed) == nullptr; }

  // On the loop. False: there is mail, do not sleep.
  [[nodiscard]] bool begin_sleep() {
    sleeping_.store(true, std::memory_order_seq_cst);
    if (head_.load(std::memory_order_seq_cst) == nullptr) return true;
    sleeping_.store(false, std::memory_order_relaxed);
    return false;
  }
  void end_sleep() { sleeping_.store(false, std::memory_order_relaxed); }

  // On the loop: runs what was there when the call began, in the order of
  // arrival. Returns the number of tasks run.
  std::size_t run_all() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return 0;
    Letter* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Letter* oldest = nullptr;
    while (newest != nullptr) {
      Letter* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    std::size_t count = 0;
    while (oldest != nullptr) {
      Letter* letter = oldest;
      oldest = letter->next;
      letter->task();
      delete letter;
      ++count;
    }
    return count;
  }

 private:
  struct Letter {
    Task task;
    Letter* next;
  };
  static void release(Letter* letter) {
    while (letter != nullptr) {
      Letter* next = letter->next;
      delete letter;
      letter = next;
    }
  }

  alignas(64) std::atomic<Letter*> head_{nullptr};
  alignas(64) std::atomic<bool> sleeping_{false};
};

} // namespace foyer::io
