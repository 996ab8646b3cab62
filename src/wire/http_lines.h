// The common parts of requests and responses on the wire: lines that end with
// CRLF, header fields, chunked bodies (RFC 9112 §2.2, §5, §7.1). Every piece is
// incremental and gives the same result however the bytes were split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"
#include "base/refusal.h"

namespace foyer::wire {

// Collects one line. Allocates only for a line that came in pieces.
class LineReader {
 public:
  enum class Got : std::uint8_t {
    more,     // the bytes end before the line does
    line,     // `line` holds it without CRLF, valid until the next call
    too_long, // more than `max` bytes before CRLF
    bare_cr,  // CR without LF
    bare_lf,  // LF without CR
    control,  // a control character other than TAB
  };

  // Takes bytes off the front of `in`, at most one line with its CRLF.
  Got take(std::string_view& in, std::size_t max, std::string_view& line);
  [[nodiscard]] std::size_t position() const { return position_; } // of the offending byte, in its line

 private:
  std::string buffer_;
  std::size_t position_ = 0;
  bool cr_seen_ = false;
  bool done_ = false; // buffer_ holds a line that was returned
};

// BAD_REQUEST or, for too_long, `too_long`, at `field`.
[[nodiscard]] Refusal line_refusal(LineReader::Got got, std::size_t position, std::string_view field, Cause too_long);

// One field line into `headers`; obs-fold, white space before the colon, and an
// empty or illegal name are BAD_REQUEST.
[[nodiscard]] std::optional<Refusal> parse_field_line(std::string_view line, Headers& headers);

// 1*DIGIT; nullopt: not a number. A number that does not fit becomes the largest.
[[nodiscard]] std::optional<std::uint64_t> parse_content_length(std::string_view value);
// Whether a comma-separated list (Connection, Upgrade) names `token`, ignoring case.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token);
[[nodiscard]] bool is_token(std::string_view text); // RFC 9110 §5.6.2
// The content of Transfer-Encoding, all its lines joined (RFC 9112 §6.1).
enum class TransferCoding : std::uint8_t {
  chunked, // alone: the only supported coding
  unknown, // another one below chunked: well framed, but not supported
  faulty,  // chunked is not last, absent or repeated, or an element is empty: the end of the body is
           // ambiguous
};
[[nodiscard]] TransferCoding read_transfer_coding(std::string_view joined);
[[nodiscard]] bool valid_host(std::string_view host_and_port);     // RFC 9110 §7.2: uri-host [":" port], not empty
[[nodiscard]] std::string_view trim_blanks(std::string_view text); // SP and HTAB at both ends

// Decodes `chunked` into a body. Extensions and trailers are checked, counted
// against one limit, and dropped, whatever their names (RFC 9112 §7.1.1,
// §7.1.2; RFC 9110 §6.5.1: no trailer is merged into the headers).
class ChunkedBody {
 public:
  std::optional<Refusal> feed(std::string_view& in, std::string& body, std::size_t max_body);
  [[nodiscard]] bool done() const { return state_ == State::done; }
  [[nodiscard]] bool started() const { return started_; }

 private:
  enum class State : std::uint8_t { size, data, data_end, trailer, done };
  std::optional<Refusal> read_size(std::string_view line, std::size_t body_so_far, std::size_t max_body);

  LineReader lines_;
  std::uint64_t remaining_ = 0;
  std::size_t extras_ = 0; // bytes of extensions and trailers so far
  State state_ = State::size;
  bool started_ = false;
};

} // namespace foyer::wire
