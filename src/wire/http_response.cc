#include "wire/http_response.h"

#include <algorithm>

namespace foyer::wire {

namespace {
using Got = LineReader::Got;

constexpr int kMostInterim = 16;
} // namespace

HttpResponseParser::HttpResponseParser(bool to_head, ResponseLimits limits) : limits_(limits), to_head_(to_head) {}

void HttpResponseParser::fail(std::string error) {
  error_ = std::move(error);
  state_ = State::failed;
  keep_alive_ = false;
}

std::size_t HttpResponseParser::feed(std::string_view bytes) {
  std::string_view rest = bytes;
  while (!rest.empty() && state_ == State::head) feed_head(rest);
  while (!rest.empty() && state_ == State::body) feed_body(rest);
  return bytes.size() - rest.size();
}

void HttpResponseParser::finish() {
  if (state_ == State::complete || state_ == State::failed) return;
  if (state_ == State::body && framing_ == Framing::until_close) {
    state_ = State::complete;
    return;
  }
  fail(state_ == State::head ? "the connection was closed before the answer's head ended"
                             : "the connection was closed within the answer's body");
}

void HttpResponseParser::feed_head(std::string_view& rest) {
  std::string_view line;
  const Got got = lines_.take(rest, limits_.head_bytes - std::min(limits_.head_bytes, head_bytes_), line);
  if (got == Got::more) return;
  if (got == Got::too_long) return fail("the answer's head is too long");
  if (got != Got::line) return fail("the answer is not HTTP: an illegal byte or line end in its head");
  head_bytes_ += line.size() + 2;
  if (head_bytes_ > limits_.head_bytes) return fail("the answer's head is too long");
  if (!have_status_line_) return read_status_line(line);
  if (line.empty()) return finish_head();
  if (auto refusal = parse_field_line(line, response_.headers)) return fail(std::move(refusal->evidence));
}

// HTTP-version SP status-code SP [reason-phrase] (RFC 9112 §4); the last blank may be missing.
void HttpResponseParser::read_status_line(std::string_view line) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool form = line.size() >= 12 && line.starts_with("HTTP/1.") && (line[7] == '0' || line[7] == '1') &&
      line[8] == ' ' && line[9] >= '1' && line[9] <= '9' && digit(line[10]) && digit(line[11]) &&
      (line.size() == 12 || line[12] == ' ');
  if (!form) return fail("the answer does not begin with an HTTP/1.1 status line");
  have_status_line_ = true;
  version_minor_ = line[7] - '0';
  response_.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  reason_ = line.size() > 13 ? std::string{line.substr(13)} : std::string{};
}

void HttpResponseParser::finish_head() {
  const int status = response_.status;
  const bool interim = status >= 100 && status < 200;
  const Headers& headers = response_.headers;
  const bool coded = headers.count("transfer-encoding") > 0;
  const std::size_t lengths = headers.count("content-length");
  if (coded) {
    // RFC 9112 §6.1, §6.3: ambiguous framing would let two readers see different answers.
    if (lengths > 0) return fail("Transfer-Encoding and Content-Length together");
    if (version_minor_ == 0) return fail("Transfer-Encoding in HTTP/1.0");
    if (interim || status == 204) return fail("Transfer-Encoding in an answer that has no body");
    if (read_transfer_coding(headers.joined("transfer-encoding")) != TransferCoding::chunked)
      return fail("a transfer coding other than chunked");
  }
  if (lengths > 0) {
    const auto n = parse_content_length(*headers.find("content-length"));
    if (lengths > 1 || !n) return fail("Content-Length is not one number");
    if (*n > 0 && (interim || status == 204)) return fail("a length in an answer that has no body");
    body_due_ = *n;
  }
  if (interim && status != 101) {
    if (++interim_ > kMostInterim) return fail("too many interim answers");
    response_ = {};
    have_status_line_ = false;
    return; // head_bytes_ keeps counting
  }
  const std::string connection = headers.joined("connection");
  keep_alive_ =
      !list_has_token(connection, "close") && (version_minor_ == 1 || list_has_token(connection, "keep-alive"));
  if (to_head_ || interim || status == 204 || status == 304) {
    body_due_ = 0;
    state_ = State::complete;
    return;
  }
  state_ = State::body;
  if (coded) {
    framing_ = Framing::chunked;
  } else if (lengths > 0) {
    if (body_due_ > limits_.body_bytes) return fail("the answer's body is too long");
    if (body_due_ == 0) state_ = State::complete;
  } else {
    framing_ = Framing::until_close;
    keep_alive_ = false;
  }
}

void HttpResponseParser::feed_body(std::string_view& rest) {
  std::string& body = response_.body;
  switch (framing_) {
    case Framing::chunked:
      if (auto refusal = chunks_.feed(rest, body, limits_.body_bytes)) return fail(std::move(refusal->evidence));
      if (chunks_.done()) state_ = State::complete;
      return;
    case Framing::length: {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(body_due_, rest.size()));
      body.append(rest.substr(0, n));
      rest.remove_prefix(n);
      body_due_ -= n;
      if (body_due_ == 0) state_ = State::complete;
      return;
    }
    case Framing::until_close:
      if (rest.size() > limits_.body_bytes - body.size()) return fail("the answer's body is too long");
      body.append(rest);
      rest = {};
      return;
  }
}

} // namespace foyer::wire
