// What connections have to send: shared by all connections of a loop during a
// turn, private to a connection only while its peer is slow.
//
// In a fan-out a thousand connections send the same frames in the same order.
// BatchQueue stores such a list once: a list is a path in a tree whose edges are
// buffers, and a connection holds only the number of the node where its path ends.
//
//   root ── m1 ── m2          a, b and c have [m1, m2]: all three hold node 2
//      └── pong ── m2         d has [pong, m2]: node 4
//
// At the flush the bytes of a node are laid out once and sent to all its connections.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace foyer::io {

// The bytes of one connection that the kernel did not take. A buffer passed in one
// send() is one unit: dropped whole, or finished once its first byte was taken.
class Backlog {
 public:
  void push(SharedBytes bytes);
  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // Fills `out` from the oldest unsent byte on; returns how many entries were filled.
  [[nodiscard]] std::size_t gather(std::span<iovec> out) const;
  void consume(std::size_t count); // the kernel took this many bytes
  std::size_t drop_unstarted();    // returns the bytes dropped

 private:
  std::vector<SharedBytes> units_;
  std::size_t first_ = 0;   // index of the oldest unit not fully sent
  std::size_t started_ = 0; // bytes of it that were sent
  std::size_t bytes_ = 0;
};

class BatchQueue {
 public:
  using List = std::uint32_t;
  static constexpr List kEmpty = 0;
  // Longer lists are not laid out but passed to the kernel piece by piece.
  static constexpr std::size_t kContiguous = 64 * 1024;

  BatchQueue();
  // `list` with one more buffer appended. Empty buffers change nothing.
  [[nodiscard]] List append(List list, const SharedBytes& bytes) {
    const List known = entries_[list].newest_child;
    return known != kEmpty && entries_[known].shared == bytes ? known : append_new(list, bytes);
  }
  [[nodiscard]] List append_copy(List list, std::string_view bytes);
  [[nodiscard]] std::size_t size(List list) const { return entries_[list].total; }
  // All bytes of the list in one piece, valid until the next call; nullopt if
  // there are more than kContiguous and not already in one piece.
  [[nodiscard]] std::optional<std::string_view> contiguous(List list);
  // Appends the list to a backlog.
  void keep(List list, Backlog& backlog) const;
  void clear(); // the end of the turn: every list is gone
  [[nodiscard]] bool large() const { return entries_.size() * sizeof(Entry) + copies_.size() > kSmall; }
  // Returns the memory of large turns. For a while without one, since the next allocates again. REQUIRES: cleared.
  void shrink();

 private:
  static constexpr std::size_t kSmall = 16 * 1024; // bytes that a queue always keeps
  struct Entry {
    SharedBytes shared;    // null: a copy in copies_
    std::size_t total = 0; // bytes from the root to here
    List parent = kEmpty;
    List newest_child = kEmpty; // never a copy
    std::uint32_t copy_at = 0;
    std::uint32_t copy_size = 0;
  };
  [[nodiscard]] List append_new(List list, const SharedBytes& bytes);
  [[nodiscard]] std::string_view own_bytes(const Entry& entry) const {
    return entry.shared ? std::string_view{*entry.shared}
                        : std::string_view{copies_}.substr(entry.copy_at, entry.copy_size);
  }

  std::vector<Entry> entries_; // [0] is the root, the empty list
  std::string copies_;
  std::unique_ptr<char[]> flat_;
  List flat_of_ = kEmpty;
};

} // namespace foyer::io
