#include "wire/deflate.h"

#define ZLIB_CONST
#include <zlib.h>

#include <new>
#include <utility>

namespace foyer::wire {
namespace {

// zlib's data_type after a call: the unused bits of the last byte read, and where the stream stands.
constexpr int kUnusedBits = 63;
constexpr int kAtBlockEnd = 128;

// Fast rather than small: a loop compresses between two sends.
constexpr int kLevel = 3;
constexpr unsigned kMemoryLevel = 8;

const Bytef* bytes_of(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }
Bytef* bytes_of(std::span<char> space) { return reinterpret_cast<Bytef*>(space.data()); }

void check_memory(int result) {
  if (result != Z_OK) throw std::bad_alloc();
}

} // namespace

struct Inflater::Stream {
  z_stream z{};
};

Inflater::Inflater(unsigned window_bits) : stream_(std::make_unique<Stream>()) {
  check_memory(inflateInit2(&stream_->z, -static_cast<int>(window_bits)));
}

Inflater::~Inflater() { inflateEnd(&stream_->z); }

void Inflater::reset() {
  inflateReset(&stream_->z);
  stream_ended_ = false;
}

Inflater::Got Inflater::step(std::string_view& in, std::span<char>& out) {
  z_stream& z = stream_->z;
  z.next_in = bytes_of(in);
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = bytes_of(out);
  z.avail_out = static_cast<uInt>(out.size());
  int result = Z_OK;
  do {
    if (z.avail_in > 0) stream_ended_ = false;
    result = inflate(&z, Z_SYNC_FLUSH);
    if (result == Z_STREAM_END) {
      // A block with BFINAL ends a stream, not the message: another stream follows at
      // the next byte, with the same window (RFC 7692 §7.2.3.4).
      stream_ended_ = true;
      inflateResetKeep(&z);
    }
  } while (result == Z_STREAM_END && z.avail_in > 0 && z.avail_out > 0);
  in = in.substr(in.size() - z.avail_in);
  out = out.subspan(out.size() - z.avail_out);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return Got::bad;
  if (out.empty()) return Got::full;
  return in.empty() ? Got::all : Got::bad;
}

bool Inflater::at_end() const {
  const int state = stream_->z.data_type;
  return stream_ended_ || ((state & kAtBlockEnd) != 0 && (state & kUnusedBits) == 0);
}

Inflater& InflaterPool::whole() {
  if (!whole_)
    whole_ = std::make_unique<Inflater>();
  else
    whole_->reset();
  return *whole_;
}

std::unique_ptr<Inflater> InflaterPool::lend() {
  if (lent_ == kMostLent) return nullptr;
  std::unique_ptr<Inflater> inflater;
  if (kept_.empty()) {
    inflater = std::make_unique<Inflater>();
  } else {
    inflater = std::move(kept_.back());
    kept_.pop_back();
    inflater->reset();
  }
  ++lent_;
  return inflater;
}

void InflaterPool::take_back(std::unique_ptr<Inflater> inflater) {
  --lent_;
  if (kept_.size() < kMostKept) kept_.push_back(std::move(inflater));
}

struct Deflater::Stream {
  z_stream z{};
};

Deflater::Deflater(unsigned window_bits, Context context) : stream_(std::make_unique<Stream>()), context_(context) {
  // The hash table scales with the window: with 12 bits the whole takes a seventh.
  const unsigned memory = window_bits >= 15 ? kMemoryLevel : window_bits - 7;
  check_memory(deflateInit2(
      &stream_->z, kLevel, Z_DEFLATED, -static_cast<int>(window_bits), static_cast<int>(memory), Z_DEFAULT_STRATEGY));
}

Deflater::~Deflater() { deflateEnd(&stream_->z); }

bool Deflater::pack(std::string_view payload, std::string& out) {
  z_stream& z = stream_->z;
  if (context_ == Context::none) deflateReset(&z);
  // Room for a result shorter than the payload, and its tail; a complete result leaves one byte
  // unused (zlib cannot distinguish a flush that just fits from one that does not).
  out.resize(payload.size() + kMessageTail.size());
  z.next_in = bytes_of(payload);
  z.avail_in = static_cast<uInt>(payload.size());
  z.next_out = bytes_of(std::span<char>(out));
  z.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&z, Z_SYNC_FLUSH);
  const std::size_t size = out.size() - z.avail_out;
  out.resize(size);
  if (result == Z_OK && z.avail_out > 0 && z.avail_in == 0 && size > kMessageTail.size() &&
      out.ends_with(kMessageTail)) {
    out.resize(size - kMessageTail.size());
    return true;
  }
  if (context_ == Context::takeover) deflateReset(&z); // the receiver will not have this message in its window
  return false;
}

} // namespace foyer::wire
