// HTTP/1.1 requests, incremental and without I/O (RFC 9112). Strict: what a
// lenient parser would repair is refused here, because parsers that repair
// differently enable request smuggling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http.h"
#include "base/refusal.h"
#include "wire/http_limits.h"
#include "wire/http_lines.h"

namespace foyer::wire {

class HttpParser {
 public:
  enum class State : std::uint8_t {
    head,     // reading the request line or headers
    body,     // head is complete, body is not
    complete, // one whole request; feed() consumes nothing until reset()
    failed,   // see refusal(); the connection cannot be used any further
  };

  explicit HttpParser(const HttpLimits& limits); // limits must outlive the parser

  // Consumes at most one request; returns how many bytes were taken. Bytes behind
  // a complete request (pipelining, or the first frames after an upgrade) are left.
  std::size_t feed(std::string_view bytes);

  [[nodiscard]] State state() const { return state_; }
  // At least one byte of a request has arrived; the empty line that some clients send
  // between two requests does not count.
  [[nodiscard]] bool started() const;
  [[nodiscard]] Request& request(); // valid when complete; before, as far as it was read
  // The target was an absolute https URL: answer it only if the client used
  // https (RFC 9110 §7.4).
  [[nodiscard]] bool https_target() const { return https_target_; }
  [[nodiscard]] bool keep_alive() const;
  // True once, when the client waits for "100 Continue" and the head was accepted.
  [[nodiscard]] bool wants_continue();
  [[nodiscard]] const Refusal& refusal() const;
  void reset(); // for the next request on the same connection

 private:
  void feed_head(std::string_view& rest);
  void read_proxy_mark(std::string_view& rest);
  void feed_body(std::string_view& rest);
  void read_request_line(std::string_view line);
  [[nodiscard]] bool read_version(std::string_view version); // false: failed
  void read_target(std::string_view target);
  void finish_head();
  void fail(Refusal refusal);

  const HttpLimits* limits_;
  LineReader lines_;
  Request request_;
  Refusal refusal_;
  ChunkedBody chunks_;
  std::string proxy_mark_;       // possible start of a PROXY header, after two empty lines
  std::string target_authority_; // of an absolute-form target: overrides Host (RFC 9112 §3.2.2)
  std::size_t header_bytes_ = 0; // of the head so far
  std::uint64_t body_due_ = 0;   // bytes of Content-Length still to come
  State state_ = State::head;
  bool started_ = false;
  bool https_target_ = false;
  bool have_request_line_ = false;
  bool blank_line_seen_ = false; // one empty line before a request is ignored (RFC 9112 §2.2)
  bool chunked_ = false;
  bool keep_alive_ = true;
  bool continue_due_ = false;
};

// Status line, headers, body; `head_only` for answers to HEAD. Content-Length, Date
// and Connection are the writer's. No header can begin a new line: a header whose name is not
// a token is left out, control characters in values become blanks.
[[nodiscard]] std::string write_response(
    const Response& response, bool keep_alive, std::string_view date, bool head_only = false);
// The head of an answer of unknown length: its body comes in chunks (RFC 9112 §7.1), or ends with the
// connection, for HTTP/1.0.
[[nodiscard]] std::string write_stream_head(
    const Response& response, bool chunked, bool keep_alive, std::string_view date);
void append_chunk(std::string& out, std::string_view bytes); // at least one byte: an empty chunk ends the body
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// Whether an answer with this status can have a body (RFC 9112 §6.3).
[[nodiscard]] bool may_have_body(int status);
[[nodiscard]] std::string_view reason_phrase(int status);
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
[[nodiscard]] std::string http_date(WallTime now);

} // namespace foyer::wire
