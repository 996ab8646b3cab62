#include "wire/http_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "wire/proxy_protocol.h"

namespace foyer::wire {
namespace {

using Got = LineReader::Got;

constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kUsualHeaders = 8; // of programs; browsers send more

Refusal bad_request(std::string_view field, std::string evidence) {
  return Refusal{.cause = Cause::BAD_REQUEST, .evidence = std::move(evidence), .field = std::string{field}};
}

Refusal unexpected_proxy_header(std::string_view what) {
  return Refusal{.cause = Cause::PROXY_PROTOCOL_UNEXPECTED,
      .evidence = fmt::format("{} of the PROXY protocol in place of a request", what)};
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Visible ASCII that no URI may contain and browsers do not send either. The
// evidence gives a position, never the text: a query may contain a credential.
std::optional<Refusal> check_target(std::string_view target) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if (c <= ' ' || c == '\x7f' || static_cast<unsigned char>(c) >= 0x80)
      return bad_request("target",
          fmt::format("byte 0x{:02x} at position {} of the request target", static_cast<unsigned char>(c), i));
    if (c == '#' || c == '"' || c == '<' || c == '>' || c == '\\')
      return bad_request("target", fmt::format("the character {} at position {} of the request target", c, i));
    if (c == '%' && (target.size() - i < 3 || !is_hex(target[i + 1]) || !is_hex(target[i + 2])))
      return bad_request("target",
          fmt::format("a percent sign without two hexadecimal digits at position {} of the request target", i));
  }
  return std::nullopt;
}

// Whether every member of Expect is 100-continue; an empty value is accepted.
bool only_continue(std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (!iequals(trim_blanks(list.substr(0, comma)), "100-continue")) return false;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return true;
}

} // namespace

HttpParser::HttpParser(const HttpLimits& limits) : limits_(&limits) {}

bool HttpParser::started() const { return started_; }
Request& HttpParser::request() { return request_; }
bool HttpParser::keep_alive() const { return keep_alive_; }
const Refusal& HttpParser::refusal() const { return refusal_; }

bool HttpParser::wants_continue() { return std::exchange(continue_due_, false) && state_ == State::body; }

void HttpParser::reset() { *this = HttpParser(*limits_); }

void HttpParser::fail(Refusal refusal) {
  refusal_ = std::move(refusal);
  state_ = State::failed;
  keep_alive_ = false;
  continue_due_ = false;
}

std::size_t HttpParser::feed(std::string_view bytes) {
  std::string_view rest = bytes;
  while (!rest.empty() && state_ == State::head) feed_head(rest);
  while (!rest.empty() && state_ == State::body) feed_body(rest);
  return bytes.size() - rest.size();
}

// Two empty lines: a malformed request, or the start of a PROXY header of version 2.
void HttpParser::read_proxy_mark(std::string_view& rest) {
  while (!rest.empty() && state_ == State::head) {
    proxy_mark_ += rest.front();
    const auto mark = proxy_mark(proxy_mark_);
    if (mark == ProxyMark::absent) return fail(bad_request("method", "the request does not begin with a method"));
    rest.remove_prefix(1);
    if (mark == ProxyMark::present) return fail(unexpected_proxy_header("the 12 bytes that begin version 2"));
  }
}

void HttpParser::feed_head(std::string_view& rest) {
  if (!proxy_mark_.empty()) return read_proxy_mark(rest);
  started_ = true;
  const std::size_t left = limits_->header_bytes - std::min(limits_->header_bytes, header_bytes_);
  std::string_view line;
  const Got got = lines_.take(rest, left, line);
  if (got == Got::more) return;
  if (got != Got::line) {
    // A TLS record of type handshake, version 3.x: a client used https on this port.
    const bool first = !have_request_line_ && lines_.position() == 0 && rest.front() == '\x16';
    if (first)
      return fail(
          Refusal{.cause = Cause::TLS_ON_PLAIN_PORT, .evidence = "the first byte is 0x16, a TLS handshake record"});
    if (have_request_line_) return fail(line_refusal(got, lines_.position(), "headers", Cause::HEADERS_TOO_LARGE));
    return fail(line_refusal(got, lines_.position(), "request_line", Cause::TARGET_TOO_LONG));
  }
  header_bytes_ += line.size() + 2;
  if (header_bytes_ > limits_->header_bytes)
    return fail(Refusal{.cause = have_request_line_ ? Cause::HEADERS_TOO_LARGE : Cause::TARGET_TOO_LONG,
        .evidence = fmt::format("a head of more than {} bytes", limits_->header_bytes),
        .field = have_request_line_ ? "headers" : "request_line"});
  if (!have_request_line_) {
    if (line.empty() && blank_line_seen_) {
      proxy_mark_ = "\r\n\r\n";
      return;
    }
    if (!line.empty()) return read_request_line(line);
    blank_line_seen_ = true;
    started_ = false;
    return;
  }
  if (line.empty()) return finish_head();
  if (request_.headers.list().size() == limits_->header_count)
    return fail(Refusal{.cause = Cause::HEADERS_TOO_LARGE,
        .evidence = fmt::format("more than {} headers", limits_->header_count),
        .field = "headers"});
  if (auto refusal = parse_field_line(line, request_.headers)) return fail(std::move(*refusal));
}

// method SP request-target SP HTTP-version, each blank exactly one (RFC 9112 §3).
void HttpParser::read_request_line(std::string_view line) {
  have_request_line_ = true;
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  const std::string_view method = line.substr(0, first);
  if (!is_token(method)) return fail(bad_request("method", "the request does not begin with a method"));
  if (line.starts_with("PROXY TCP") || line.starts_with("PROXY UNKNOWN"))
    return fail(unexpected_proxy_header("a line of version 1"));
  if (first == std::string_view::npos || first == last)
    return fail(bad_request("version", "the request line is not METHOD TARGET HTTP/1.1"));
  if (!read_version(line.substr(last + 1))) return;
  // Our methods have at most 7 letters; RFC 9112 §3 wants 501 for longer ones. An
  // origin server need not support CONNECT (RFC 9110 §9.3.6), whose target has a form of its own.
  if (method.size() > kMaxMethod)
    return fail(Refusal{.cause = Cause::METHOD_UNKNOWN,
        .evidence = fmt::format("a method of {} bytes", method.size()),
        .field = "method"});
  request_.method = std::string{method};
  request_.headers.list().reserve(kUsualHeaders);
  if (method == "CONNECT")
    return fail(Refusal{.cause = Cause::METHOD_UNKNOWN, .evidence = "CONNECT", .field = "method"});
  read_target(line.substr(first + 1, last - first - 1));
}

// HTTP/1.1 and 1.0; a later 1.x is read as 1.1, another major version is not supported (RFC 9110 §2.5, §15.6.6).
bool HttpParser::read_version(std::string_view version) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(version[5]) || version[6] != '.' ||
      !digit(version[7])) {
    fail(bad_request("version", "the request line does not end with HTTP/1.1 or HTTP/1.0"));
    return false;
  }
  if (version[5] != '1') {
    fail(Refusal{.cause = Cause::HTTP_VERSION_UNSUPPORTED, .evidence = std::string{version}, .field = "version"});
    return false;
  }
  request_.version_minor = version[7] == '0' ? 0 : 1;
  return true;
}

// origin-form, absolute-form, and asterisk-form for OPTIONS (RFC 9112 §3.2).
void HttpParser::read_target(std::string_view target) {
  if (target.empty()) return fail(bad_request("target", "the request target is empty"));
  if (auto refusal = check_target(target)) return fail(std::move(*refusal));
  if (target.front() != '/' && !(target == "*" && request_.method == "OPTIONS")) {
    const std::size_t colon = target.find("://");
    const std::string_view scheme = target.substr(0, colon);
    https_target_ = iequals(scheme, "https");
    if (colon == std::string_view::npos || !(https_target_ || iequals(scheme, "http")))
      return fail(bad_request("target", "the request target is neither a path nor an http URL"));
    target.remove_prefix(colon + 3);
    const std::size_t end = target.find_first_of("/?");
    const std::string_view authority = target.substr(0, end);
    if (!valid_host(authority))
      return fail(bad_request("target", "the authority of the request target is not a host and port"));
    target_authority_ = std::string{authority};
    target.remove_prefix(authority.size());
    if (target.empty() && request_.method == "OPTIONS") target = "*"; // RFC 9112 §3.2.4
  }
  const std::size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  request_.path = path.empty() ? "/" : std::string{path};
  if (question != std::string_view::npos) request_.query = std::string{target.substr(question + 1)};
}

void HttpParser::finish_head() {
  Headers& headers = request_.headers;
  const Header* host = nullptr;
  const Header* length = nullptr;
  bool coded = false;
  bool close = false;
  bool keep = false;
  for (const Header& header : headers.list()) {
    if (iequals(header.name, "host")) {
      if (host != nullptr) return fail(bad_request("host", "more than one Host header"));
      host = &header;
    } else if (iequals(header.name, "content-length")) {
      if (length != nullptr) return fail(bad_request("content-length", "more than one Content-Length header"));
      length = &header;
    } else if (iequals(header.name, "transfer-encoding")) {
      coded = true;
    } else if (iequals(header.name, "connection")) {
      close = close || list_has_token(header.value, "close");
      keep = keep || list_has_token(header.value, "keep-alive");
    }
  }
  if (host == nullptr && request_.version_minor == 1) return fail(bad_request("host", "no Host header"));
  if (host != nullptr && !valid_host(host->value))
    return fail(
        bad_request("host", fmt::format("the Host header is not a host and port: {}", printable(host->value, 64))));
  if (coded) {
    if (length != nullptr)
      return fail(bad_request("transfer-encoding", "Transfer-Encoding and Content-Length together"));
    if (request_.version_minor == 0) return fail(bad_request("transfer-encoding", "Transfer-Encoding in HTTP/1.0"));
    const std::string codings = headers.joined("transfer-encoding");
    const TransferCoding coding = read_transfer_coding(codings);
    if (coding == TransferCoding::faulty)
      return fail(bad_request("transfer-encoding",
          fmt::format("transfer codings that do not end with one chunked: {}", printable(codings, 64))));
    if (coding == TransferCoding::unknown)
      return fail(Refusal{
          .cause = Cause::TRANSFER_CODING_UNKNOWN, .evidence = printable(codings, 64), .field = "transfer-encoding"});
    chunked_ = true;
  }
  if (length != nullptr) {
    const auto n = parse_content_length(length->value);
    if (!n)
      return fail(bad_request(
          "content-length", fmt::format("Content-Length is not a number: {}", printable(length->value, 64))));
    if (*n > limits_->body_bytes)
      return fail(Refusal{.cause = Cause::BODY_TOO_LARGE,
          .evidence = fmt::format("{} bytes announced, the limit is {}", *n, limits_->body_bytes)});
    body_due_ = *n;
  }
  // HTTP/1.0 has no expectations (RFC 9110 §10.1.1).
  const std::string expected = request_.version_minor == 1 ? headers.joined("expect") : std::string{};
  if (!only_continue(expected))
    return fail(
        Refusal{.cause = Cause::EXPECTATION_UNSUPPORTED, .evidence = printable(expected, 64), .field = "expect"});
  keep_alive_ = !close && (request_.version_minor == 1 || keep);
  if (!target_authority_.empty()) headers.set("Host", target_authority_);
  state_ = chunked_ || body_due_ > 0 ? State::body : State::complete;
  continue_due_ = !expected.empty() && state_ == State::body;
}

void HttpParser::feed_body(std::string_view& rest) {
  continue_due_ = false; // the body arrives without 100 Continue
  if (chunked_) {
    if (auto refusal = chunks_.feed(rest, request_.body, limits_->body_bytes)) return fail(std::move(*refusal));
    if (chunks_.done()) state_ = State::complete;
    return;
  }
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(body_due_, rest.size()));
  request_.body.append(rest.substr(0, n));
  rest.remove_prefix(n);
  body_due_ -= n;
  if (body_due_ == 0) state_ = State::complete;
}

} // namespace foyer::wire
