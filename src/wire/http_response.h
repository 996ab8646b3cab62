// HTTP/1.1 answers, incremental and without I/O: the client's side, for our own
// tools (`foyer chat`, `why`, `doctor`). Strict where framing is concerned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/http.h"
#include "wire/http_lines.h"

namespace foyer::wire {

struct ResponseLimits {
  std::size_t head_bytes = 64 * 1024; // including those of interim answers
  std::size_t body_bytes = 4 * 1024 * 1024;
};

class HttpResponseParser {
 public:
  enum class State : std::uint8_t { head, body, complete, failed };

  // `to_head`: the answer belongs to a HEAD request and has no body.
  explicit HttpResponseParser(bool to_head = false, ResponseLimits limits = {});

  // Returns how many bytes were taken. A few interim answers (1xx) are skipped, except
  // 101, which is complete at its head; bytes behind it are left.
  std::size_t feed(std::string_view bytes);
  // The peer closed: ends a body without a length; otherwise an error.
  void finish();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] Response& response() { return response_; } // whole when complete; only the head while state is body
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] const std::string& error() const { return error_; } // a sentence without the peer's text

 private:
  void feed_head(std::string_view& rest);
  void feed_body(std::string_view& rest);
  void read_status_line(std::string_view line);
  void finish_head();
  void fail(std::string error);

  ResponseLimits limits_;
  LineReader lines_;
  ChunkedBody chunks_;
  Response response_;
  std::string reason_;
  std::string error_;
  std::size_t head_bytes_ = 0;
  std::uint64_t body_due_ = 0;
  State state_ = State::head;
  enum class Framing : std::uint8_t { length, chunked, until_close } framing_ = Framing::length;
  bool to_head_;
  bool have_status_line_ = false;
  bool keep_alive_ = true;
  int version_minor_ = 1;
  int interim_ = 0; // 1xx answers so far
};

} // namespace foyer::wire
