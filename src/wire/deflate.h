// DEFLATE in the form of RFC 7692 §7.2: each message ends at a byte boundary
// without the four bytes 00 00 ff ff, which the reader restores.
//
// zlib's state is large, so it belongs to a loop and not to a connection: nothing of it
// is kept between messages, unless context takeover was negotiated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::wire {

// Decompresses messages. About 40 KiB with a window of 15 bits, 11 KiB with 12.
class Inflater {
 public:
  explicit Inflater(unsigned window_bits = 15); // 8 to 15
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  enum class Got : std::uint8_t {
    all,  // `in` is empty
    full, // `out` is full, and there may be more
    bad,  // not DEFLATE, or a reference beyond the start of its window
  };
  // Takes from the front of `in`, writes to the front of `out`; both become their remaining
  // parts. Bytes written before an error are valid.
  // References beyond the negotiated window may be accepted.
  Got step(std::string_view& in, std::span<char>& out);
  // A message may end here: at the end of a block that ends at a byte boundary.
  [[nodiscard]] bool at_end() const;
  void reset(); // the next byte begins a stream without history

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  bool stream_ended_ = false; // the last byte taken ended a block with BFINAL
};

// The bytes that every message ends with: added before the end is checked.
inline constexpr std::string_view kMessageTail{"\x00\x00\xff\xff", 4};

// The inflaters of one loop.
class InflaterPool {
 public:
  // So many incomplete messages are decompressed as they arrive; further ones
  // wait compressed until they are complete.
  static constexpr std::size_t kMostLent = 256;

  // For a message that is completely in memory. Reset; valid until the next call.
  [[nodiscard]] Inflater& whole();
  // For a message that arrives in pieces. Reset; null when kMostLent are in use.
  [[nodiscard]] std::unique_ptr<Inflater> lend();
  void take_back(std::unique_ptr<Inflater> inflater);
  // Space for one decompressed message: taken out while in use, returned afterwards.
  std::string space;

 private:
  static constexpr std::size_t kMostKept = 8;
  std::unique_ptr<Inflater> whole_;
  std::vector<std::unique_ptr<Inflater>> kept_;
  std::size_t lent_ = 0;
};

// Compresses messages. About 260 KiB with a window of 15 bits, 40 KiB with 12.
class Deflater {
 public:
  enum class Context : std::uint8_t {
    none,     // every message is compressed on its own
    takeover, // a message may refer to earlier ones
  };
  Deflater(unsigned window_bits, Context context); // 9 to 15: zlib has no raw stream with 8
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // `out` becomes the compressed payload. False: that would not be shorter; `out` is
  // undefined, the message must be sent uncompressed, and no later message refers to it.
  [[nodiscard]] bool pack(std::string_view payload, std::string& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  Context context_;
};

} // namespace foyer::wire
