// DEFLATE as messages use it (RFC 7692 §7.2): each ends at a byte's boundary
// without the four bytes 00 00 ff ff, which the reader puts back.
//
// zlib's state is large, so it belongs to a loop and not to a connection: between
// messages nothing of it is kept, unless context takeover was agreed on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::wire {

// Unpacks messages. About 40 KiB with a window of 15 bits, 11 KiB with 12.
class Inflater {
 public:
  explicit Inflater(unsigned window_bits = 15); // 8 to 15
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  enum class Got : std::uint8_t {
    all,  // `in` is used up
    full, // `out` is used up, and there may be more
    bad,  // not DEFLATE, or it refers back to before its window
  };
  // Takes from the front of `in`, writes to the front of `out`; both become what is left
  // of them. What was written before a fault is good.
  // A peer that refers back further than its window may be understood all the same.
  Got step(std::string_view& in, std::span<char>& out);
  // A message may end here: at the end of a block that ends with its byte.
  [[nodiscard]] bool at_end() const;
  void reset(); // the next byte begins a stream that knows nothing of the last one

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  bool stream_ended_ = false; // the last byte taken ended a block with BFINAL
};

// What ends every message: added before the end is looked for.
inline constexpr std::string_view kMessageTail{"\x00\x00\xff\xff", 4};

// The inflaters of one loop.
class InflaterPool {
 public:
  // So many messages that came in part are unpacked as they come; what more there are
  // at once wait packed until they are whole.
  static constexpr std::size_t kMostLent = 256;

  // For a message that is complete in memory. Reset; valid until the next call.
  [[nodiscard]] Inflater& whole();
  // For one that comes in pieces. Reset; null when kMostLent are out.
  [[nodiscard]] std::unique_ptr<Inflater> lend();
  void take_back(std::unique_ptr<Inflater> inflater);
  // Space for one unpacked message: taken out while it is in use, given back after.
  std::string space;

 private:
  static constexpr std::size_t kMostKept = 8;
  std::unique_ptr<Inflater> whole_;
  std::vector<std::unique_ptr<Inflater>> kept_;
  std::size_t lent_ = 0;
};

// Packs messages. About 260 KiB with a window of 15 bits, 40 KiB with 12.
class Deflater {
 public:
  enum class Context : std::uint8_t {
    none,     // every message is compressed on its own
    takeover, // a message refers to those before it
  };
  Deflater(unsigned window_bits, Context context); // 9 to 15: zlib has no raw stream with 8
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // `out` becomes the payload, packed. False: that would not be shorter; `out` is
  // undefined, the message goes out as it is, and no later message refers to it.
  [[nodiscard]] bool pack(std::string_view payload, std::string& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  Context context_;
};

} // namespace foyer::wire
