// Requests, row by row of the standards: the input and the expected result. Each
// row is fed whole, split in two at every byte, and byte by byte; the result is the same.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/http_parser.h"

namespace foyer::wire {
namespace {

using State = HttpParser::State;

const HttpLimits kLimits{.header_bytes = 512, .header_count = 8, .body_bytes = 64};

struct Row {
  std::string_view section;
  std::string_view name;
  std::string input;
  std::string outcome; // "METHOD TARGET-PATH[?QUERY] [body]", "CODE field", or "more" (incomplete)
};

std::string get(std::string_view headers) {
  return std::string{"GET / HTTP/1.1\r\nHost: a\r\n"}.append(headers).append("\r\n");
}
std::string line(std::string_view first) { return std::string{first}.append("\r\nHost: a\r\n\r\n"); }
std::string target(std::string_view text) { return line(std::string{"GET "}.append(text).append(" HTTP/1.1")); }
std::string host(std::string_view value) {
  return std::string{"GET / HTTP/1.1\r\nHost:"}.append(value).append("\r\n\r\n");
}
std::string post(std::string_view headers, std::string_view body = {}) {
  return std::string{"POST /p HTTP/1.1\r\nHost: a\r\n"}.append(headers).append("\r\n").append(body);
}
std::string chunks(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }

std::string outcome(HttpParser& parser) {
  switch (parser.state()) {
    case State::failed: return std::string{parser.refusal().code()}.append(" ").append(parser.refusal().field);
    case State::head:
    case State::body: return "more";
    case State::complete: break;
  }
  const Request& r = parser.request();
  std::string out = r.method + " " + r.path;
  if (!r.query.empty()) out += "?" + r.query;
  if (!r.body.empty()) out += " " + r.body;
  return out;
}

// Whole, split in two at every byte, and byte by byte.
std::vector<std::string> outcomes(const std::string& input) {
  std::vector<std::string> out;
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    HttpParser parser(kLimits);
    const std::string_view view = input;
    if (parser.feed(view.substr(0, cut)) == cut) parser.feed(view.substr(cut));
    out.push_back(outcome(parser));
  }
  HttpParser parser(kLimits);
  for (const char c : input) {
    const char alone = c; // a copy, so that a view into it cannot reach the next byte
    parser.feed({&alone, 1});
  }
  out.push_back(outcome(parser));
  return out;
}

void hold(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::size_t cut = 0;
    for (const std::string& seen : outcomes(row.input))
      ASSERT_EQ(seen, row.outcome) << row.section << ": " << row.name << ", cut at " << cut++;
  }
}

const std::string kBad = "BAD_REQUEST ";

TEST(HttpStandard, Rfc9112_2_AMessage) {
  hold({
      {"RFC 9112 2.2", "one empty line before the request is ignored", "\r\n" + get(""), "GET /"},
      {"RFC 9112 2.2", "two are not", "\r\n\r\n" + get(""), kBad + "method"},
      {"RFC 9112 2.2", "LF for CRLF", "GET / HTTP/1.1\nHost: a\n\n", kBad + "request_line"},
      {"RFC 9112 2.2", "LF after a header", get("X: a\nY: b\r\n"), kBad + "headers"},
      {"RFC 9112 2.2", "LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", kBad + "headers"},
      {"RFC 9112 2.2", "CR alone in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", kBad + "request_line"},
      {"RFC 9112 2.2", "CR alone in a value", get("X: a\rY: b\r\n"), kBad + "headers"},
      {"RFC 9112 2.2", "CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", kBad + "request_line"},
      {"RFC 9112 2.2", "white space before the first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", kBad + "headers"},
      {"RFC 9112 2.2", "a TAB before the first header", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", kBad + "headers"},
      {"RFC 9112 2.3", "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET /"},
      {"RFC 9112 2.3", "the version is case-sensitive", line("GET / http/1.1"), kBad + "version"},
      {"RFC 9112 2.3", "HTTP/1.10", line("GET / HTTP/1.10"), kBad + "version"},
      {"RFC 9112 2.3", "HTTP/01.1", line("GET / HTTP/01.1"), kBad + "version"},
      {"RFC 9112 2.3", "HTTP/1", line("GET / HTTP/1"), kBad + "version"},
      {"RFC 9112 2.3", "HTTP/1,1", line("GET / HTTP/1,1"), kBad + "version"},
      {"RFC 9112 2.3", "HTTP/0.9 has no version", "GET /\r\n\r\n", kBad + "version"},
      {"RFC 9110 2.5", "a later minor version is read as 1.1", line("GET / HTTP/1.2"), "GET /"},
      {"RFC 9110 2.5", "and needs a Host as 1.1 does", "GET / HTTP/1.9\r\n\r\n", kBad + "host"},
      {"RFC 9110 15.6.6", "another major version", line("GET / HTTP/2.0"), "HTTP_VERSION_UNSUPPORTED version"},
      {"RFC 9110 15.6.6", "HTTP/0.9 by name", line("GET / HTTP/0.9"), "HTTP_VERSION_UNSUPPORTED version"},
      {"RFC 9113 3.4", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP_VERSION_UNSUPPORTED version"},
      {"", "a TLS ClientHello", std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11}, "TLS_ON_PLAIN_PORT "},
      {"", "bytes of no protocol", std::string{"\x00\x01\x02", 3}, kBad + "request_line"},
  });
}

TEST(HttpStandard, Rfc9112_3_TheRequestLine) {
  hold({
      {"RFC 9112 3", "two blanks after the method", line("GET  / HTTP/1.1"), kBad + "target"},
      {"RFC 9112 3", "two blanks before the version", line("GET /  HTTP/1.1"), kBad + "target"},
      {"RFC 9112 3", "a blank before the method", line(" GET / HTTP/1.1"), kBad + "method"},
      {"RFC 9112 3", "white space behind the version", line("GET / HTTP/1.1 "), kBad + "version"},
      {"RFC 9112 3", "a TAB for the first blank", line("GET\t/ HTTP/1.1"), kBad + "method"},
      {"RFC 9112 3", "a TAB for the second", line("GET /\tHTTP/1.1"), kBad + "version"},
      {"RFC 9112 3", "a vertical tab", line("GET /\x0b HTTP/1.1"), kBad + "request_line"},
      {"RFC 9112 3", "NUL", line(std::string{"GET /\0 HTTP/1.1", 15}), kBad + "request_line"},
      {"RFC 9112 3", "a line too long", target("/" + std::string(600, 'a')), "TARGET_TOO_LONG request_line"},
      {"RFC 9112 3", "a line that never ends", "GET /" + std::string(600, 'a'), "TARGET_TOO_LONG request_line"},
      {"RFC 9112 3.1", "a method of all odd characters that a token may have", line("!#$%&'*+-.^_`|~09 / HTTP/1.1"),
          "!#$%&'*+-.^_`|~09 /"},
      {"RFC 9112 3.1", "a method is case-sensitive, and stays as it is", line("get / HTTP/1.1"), "get /"},
      {"RFC 9112 3.1", "a method with a bracket", line("GE(T / HTTP/1.1"), kBad + "method"},
      {"RFC 9112 3.1", "a method of 8-bit bytes", line("G\xc3\x89T / HTTP/1.1"), kBad + "method"},
      {"RFC 9112 3.1", "no method", line("/ HTTP/1.1"), kBad + "method"},
      {"RFC 9112 3", "a method longer than any", line(std::string(33, 'M') + " / HTTP/1.1"), "METHOD_UNKNOWN method"},
      {"RFC 9112 3.2", "white space in the target", target("/a b"), kBad + "target"},
      {"RFC 9112 3.2", "no target", line("GET HTTP/1.1"), kBad + "version"},
      {"RFC 3986 2", "an 8-bit byte in the target", target("/\xc3\xa9"), kBad + "target"},
      {"RFC 3986 2", "DEL in the target", line("GET /\x7f HTTP/1.1"), kBad + "request_line"},
      {"RFC 3986 2.1", "a bad percent sign", target("/%zz"), kBad + "target"},
      {"RFC 3986 2.1", "a percent sign at the end", target("/?%2"), kBad + "target"},
      {"RFC 3986 2", "a backslash", target("/\\a"), kBad + "target"},
      {"RFC 3986 2", "braces in a query, which browsers send", target("/?q={a|b}"), "GET /?q={a|b}"},
      {"RFC 9110 7.1", "a fragment", target("/#x"), kBad + "target"},
      {"RFC 9112 3.2.1", "a relative target", target("index"), kBad + "target"},
      {"RFC 9112 3.2.1", "two slashes are a path", target("//a/b"), "GET //a/b"},
      {"RFC 9112 3.2.2", "absolute form", target("http://b:81/x?y"), "GET /x?y"},
      {"RFC 9112 3.2.2", "absolute form, the scheme in capitals", target("HTTP://b/"), "GET /"},
      {"RFC 9112 3.2.2", "absolute form without a path", target("http://b"), "GET /"},
      {"RFC 9112 3.2.2", "absolute form still needs a Host", "GET http://b/ HTTP/1.1\r\n\r\n", kBad + "host"},
      {"RFC 9112 3.2.2", "and a valid one", "GET http://b/ HTTP/1.1\r\nHost: a/b\r\n\r\n", kBad + "host"},
      {"RFC 9112 3.2.2", "another scheme", target("ftp://a/"), kBad + "target"},
      {"RFC 9112 3.2.2", "one slash", target("http:/a"), kBad + "target"},
      {"RFC 9110 4.2.1", "no host in it", target("http:///x"), kBad + "target"},
      {"RFC 9110 4.2.4", "a user in it", target("http://u:p@a/"), kBad + "target"},
      {"RFC 9112 3.2.3", "authority form", target("a:443"), kBad + "target"},
      {"RFC 9110 9.3.6", "CONNECT", line("CONNECT a:443 HTTP/1.1"), "METHOD_UNKNOWN method"},
      {"RFC 9112 3.2.4", "asterisk form", line("OPTIONS * HTTP/1.1"), "OPTIONS *"},
      {"RFC 9112 3.2.4", "asterisk form for another method", target("*"), kBad + "target"},
      {"RFC 9112 3.2.4", "OPTIONS of a host is OPTIONS *", line("OPTIONS http://b:81 HTTP/1.1"), "OPTIONS *"},
      {"RFC 9112 3.2.4", "OPTIONS of its root is not", line("OPTIONS http://b/ HTTP/1.1"), "OPTIONS /"},
  });
}

TEST(HttpStandard, Rfc9112_3_2_Host) {
  hold({
      {"RFC 9112 3.2", "none", "GET / HTTP/1.1\r\n\r\n", kBad + "host"},
      {"RFC 9112 3.2", "two", get("Host: a\r\n"), kBad + "host"},
      {"RFC 9112 3.2", "two, in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", kBad + "host"},
      {"RFC 9112 3.2", "a list", host(" a, b"), kBad + "host"},
      {"RFC 9110 4.2.1", "empty", host(""), kBad + "host"},
      {"RFC 9110 4.2.1", "blank", host("  "), kBad + "host"},
      {"RFC 9110 7.2", "a port", host(" a:8000"), "GET /"},
      {"RFC 9110 7.2", "a port of no digits", host(" a:"), "GET /"},
      {"RFC 9110 7.2", "no host before the port", host(" :80"), kBad + "host"},
      {"RFC 9110 7.2", "port 99999", host(" a:99999"), kBad + "host"},
      {"RFC 9110 7.2", "port +80", host(" a:+80"), kBad + "host"},
      {"RFC 9110 7.2", "two ports", host(" a:80:80"), kBad + "host"},
      {"RFC 9110 7.2", "IPv6", host(" [::1]:8000"), "GET /"},
      {"RFC 9110 7.2", "IPv6 without its end", host(" [::1"), kBad + "host"},
      {"RFC 9110 7.2", "IPv6 with a zone", host(" [fe80::1%25eth0]"), kBad + "host"},
      {"RFC 9110 7.2", "a path", host(" a/b"), kBad + "host"},
      {"RFC 9110 7.2", "a user", host(" u@a"), kBad + "host"},
      {"RFC 9110 7.2", "a scheme", host(" http://a"), kBad + "host"},
      {"RFC 9110 7.2", "a blank in it", host(" a b"), kBad + "host"},
      {"RFC 9110 7.2", "an 8-bit byte", host(" caf\xc3\xa9"), kBad + "host"},
  });
}

TEST(HttpStandard, Rfc9112_5_Headers) {
  std::string many;
  for (int i = 0; i < 7; ++i) many += "X: y\r\n";
  hold({
      {"RFC 9112 5", "no white space around the value", get("X:a\r\n"), "GET /"},
      {"RFC 9112 5", "an empty value", get("X:\r\n"), "GET /"},
      {"RFC 9112 5", "no colon", get("X\r\n"), kBad + "headers"},
      {"RFC 9112 5", "no name", get(": a\r\n"), kBad + "headers"},
      {"RFC 9112 5.1", "a blank before the colon", get("X : a\r\n"), kBad + "X"},
      {"RFC 9112 5.1", "a TAB before the colon", get("X\t: a\r\n"), kBad + "X"},
      {"RFC 9112 5.1", "a blank before the colon of Content-Length", post("Content-Length : 5\r\n", "hello"),
          kBad + "Content-Length"},
      {"RFC 9112 5.2", "obs-fold with a blank", get("X: a\r\n b\r\n"), kBad + "headers"},
      {"RFC 9112 5.2", "obs-fold with a TAB", get("X: a\r\n\tb\r\n"), kBad + "headers"},
      {"RFC 9112 5.2", "obs-fold of nothing", get("X: a\r\n \r\n"), kBad + "headers"},
      {"RFC 9110 5.1", "a bracket in a name", get("X[1]: a\r\n"), kBad + "headers"},
      {"RFC 9110 5.1", "a quote in a name", get("\"X\": a\r\n"), kBad + "headers"},
      {"RFC 9110 5.1", "a blank within a name", get("X Y: a\r\n"), kBad + "X"},
      {"RFC 9110 5.1", "an 8-bit byte in a name", get("X\xc3: a\r\n"), kBad + "headers"},
      {"RFC 9110 5.1", "all that a name may hold", get("!#$%&'*+-.^_`|~09aZ: a\r\n"), "GET /"},
      {"RFC 9110 5.5", "obs-text in a value", get("X: caf\xc3\xa9\xff\r\n"), "GET /"},
      {"RFC 9110 5.5", "a TAB in a value", get("X: a\tb\r\n"), "GET /"},
      {"RFC 9110 5.5", "NUL in a value", get(std::string{"X: a\0b\r\n", 8}), kBad + "headers"},
      {"RFC 9110 5.5", "another control character", get("X: a\x01\r\n"), kBad + "headers"},
      {"RFC 9110 5.5", "DEL in a value", get("X: a\x7f\r\n"), kBad + "headers"},
      {"RFC 6585 5", "a header too long", get("X: " + std::string(600, 'x') + "\r\n"), "HEADERS_TOO_LARGE headers"},
      {"RFC 6585 5", "a header that never ends", "GET / HTTP/1.1\r\nX: " + std::string(600, 'x'),
          "HEADERS_TOO_LARGE headers"},
      {"RFC 6585 5", "as many headers as may be", get(many), "GET /"},
      {"RFC 6585 5", "one more", get(many + "X: y\r\n"), "HEADERS_TOO_LARGE headers"},
      {"", "a head of exactly header_bytes", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(480, 'x') + "\r\n\r\n",
          "GET /"},
      {"", "a head of one byte more", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(481, 'x') + "\r\n\r\n",
          "HEADERS_TOO_LARGE headers"},
      {"", "the request line counts, too",
          target("/" + std::string(240, 'a'))
              .insert(0, "\r\n")
              .insert(2 + 4 + 241 + 11, "X: " + std::string(240, 'x') + "\r\n"),
          "HEADERS_TOO_LARGE headers"},
  });
}

TEST(HttpStandard, Rfc9112_6_WhereTheBodyEnds) {
  const std::string none = "0\r\n\r\n";
  hold({
      {"RFC 9112 6.3", "Content-Length", post("Content-Length: 2\r\n", "ok"), "POST /p ok"},
      {"RFC 9112 6.3", "neither: no body", post(""), "POST /p"},
      {"RFC 9112 6.3", "a body of GET is read, too", get("Content-Length: 2\r\n") + "ok", "GET / ok"},
      {"RFC 9112 6.3", "twice, different", post("Content-Length: 2\r\nContent-Length: 3\r\n", "okk"),
          kBad + "content-length"},
      {"RFC 9112 6.3", "twice, equal", post("Content-Length: 2\r\nContent-Length: 2\r\n", "ok"),
          kBad + "content-length"},
      {"RFC 9112 6.3", "twice, in other case", post("Content-Length: 2\r\ncontent-length: 2\r\n", "ok"),
          kBad + "content-length"},
      {"RFC 9112 6.3", "a list of equal ones", post("Content-Length: 2, 2\r\n", "ok"), kBad + "content-length"},
      {"RFC 9110 8.6", "a sign", post("Content-Length: +2\r\n", "ok"), kBad + "content-length"},
      {"RFC 9110 8.6", "minus", post("Content-Length: -1\r\n", "ok"), kBad + "content-length"},
      {"RFC 9110 8.6", "hexadecimal", post("Content-Length: 0x2\r\n", "ok"), kBad + "content-length"},
      {"RFC 9110 8.6", "a blank within", post("Content-Length: 5 6\r\n", "ok"), kBad + "content-length"},
      {"RFC 9110 8.6", "a fraction", post("Content-Length: 2.0\r\n", "ok"), kBad + "content-length"},
      {"RFC 9110 8.6", "empty", post("Content-Length:\r\n", "ok"), kBad + "content-length"},
      {"RFC 9110 8.6", "leading zeros are digits", post("Content-Length: 002\r\n", "ok"), "POST /p ok"},
      {"RFC 9110 8.6", "beyond 64 bits", post("Content-Length: 99999999999999999999999\r\n"), "BODY_TOO_LARGE "},
      {"RFC 9110 8.6", "2^64 + 2", post("Content-Length: 18446744073709551618\r\n", "ok"), "BODY_TOO_LARGE "},
      {"RFC 9110 15.5.14", "over the limit", post("Content-Length: 65\r\n"), "BODY_TOO_LARGE "},
      {"RFC 9110 15.5.14", "exactly at it", post("Content-Length: 64\r\n", std::string(64, 'x')),
          "POST /p " + std::string(64, 'x')},
      {"RFC 9112 6.1", "chunked", chunks("2\r\nok\r\n" + none), "POST /p ok"},
      {"RFC 9112 7", "chunked, in other case", post("Transfer-Encoding: CHUNKED\r\n", "2\r\nok\r\n" + none),
          "POST /p ok"},
      {"RFC 9112 6.1", "with Content-Length", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", none),
          kBad + "transfer-encoding"},
      {"RFC 9112 6.1", "before Content-Length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", none),
          kBad + "transfer-encoding"},
      {"RFC 9112 6.1", "in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + none,
          kBad + "transfer-encoding"},
      {"RFC 9112 6.3", "chunked, x", post("Transfer-Encoding: chunked, x\r\n", none), kBad + "transfer-encoding"},
      {"RFC 9112 6.3", "identity", post("Transfer-Encoding: identity\r\n", none), kBad + "transfer-encoding"},
      {"RFC 9112 6.1", "x, chunked", post("Transfer-Encoding: x, chunked\r\n", none),
          "TRANSFER_CODING_UNKNOWN transfer-encoding"},
      {"RFC 9112 6.1", "gzip and chunked in two lines",
          post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", none),
          "TRANSFER_CODING_UNKNOWN transfer-encoding"},
      {"RFC 9112 6.1", "chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", none),
          kBad + "transfer-encoding"},
      {"RFC 9112 6.1", "chunked in two lines",
          post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", none), kBad + "transfer-encoding"},
      {"RFC 9112 7", "chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", none),
          kBad + "transfer-encoding"},
      {"RFC 9112 6.1", "an empty element", post("Transfer-Encoding: , chunked\r\n", none), kBad + "transfer-encoding"},
      {"RFC 9112 6.1", "empty", post("Transfer-Encoding:\r\n", none), kBad + "transfer-encoding"},
      {"RFC 9112 6.1", "in quotes", post("Transfer-Encoding: \"chunked\"\r\n", none), kBad + "transfer-encoding"},
      {"RFC 9110 5.5", "a vertical tab before chunked",
          post("Transfer-Encoding: \x0b"
               "chunked\r\n"),
          kBad + "headers"},
      {"RFC 9112 6.3", "not at its end", post("Content-Length: 5\r\n", "hell"), "more"},
  });
}

TEST(HttpStandard, Rfc9112_7_1_Chunks) {
  const std::string too_large = "BODY_TOO_LARGE ";
  hold({
      {"RFC 9112 7.1", "two chunks", chunks("2\r\nok\r\n00A\r\n, world!!!\r\n0\r\n\r\n"), "POST /p ok, world!!!"},
      {"RFC 9112 7.1", "none", chunks("0\r\n\r\n"), "POST /p"},
      {"RFC 9112 7.1", "a last chunk of many zeros", chunks("000\r\n\r\n"), "POST /p"},
      {"RFC 9112 7.1", "hexadecimal in both cases", chunks("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"),
          "POST /p 01234567890123456789a"},
      {"RFC 9112 7.1", "no size", chunks("\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "only an extension", chunks(";x\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "a sign", chunks("-1\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "plus", chunks("+2\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "0x", chunks("0x2\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "a blank before it", chunks(" 2\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "a blank behind it", chunks("2 \r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "a blank within", chunks("0 2\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "leading zeros without end", chunks(std::string(400, '0')), kBad + "body"},
      {"RFC 9112 7.1", "beyond 64 bits", chunks("fffffffffffffffff\r\n"), too_large},
      {"RFC 9112 7.1", "2^64 + 2", chunks("10000000000000002\r\nok\r\n0\r\n\r\n"), too_large},
      {"RFC 9112 7.1", "over the limit", chunks("41\r\n"), too_large},
      {"RFC 9112 7.1", "over the limit, together", chunks("1\r\na\r\n40\r\n"), too_large},
      {"RFC 9112 7.1", "data longer than its size", chunks("2\r\nokk\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "data that ends with LF", chunks("2\r\nok\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "a size that ends with LF", chunks("2\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1", "a size that ends with CR", chunks("2\rok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1.1", "extensions are dropped", chunks("2;a;b=c ; d = \"e;\\\"f\"\r\nok\r\n0;x\r\n\r\n"),
          "POST /p ok"},
      {"RFC 9112 7.1.1", "an extension without a name", chunks("2;\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1.1", "an extension without a value", chunks("2;a=\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1.1", "a quoted value without its end", chunks("2;a=\"b\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1.1", "CR alone in a quoted value", chunks("2;a=\"b\rc\"\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1.1", "LF alone in an extension", chunks("2;a\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1.1", "not an extension", chunks("2 a\r\nok\r\n0\r\n\r\n"), kBad + "body"},
      {"RFC 9112 7.1.1", "longer than they may be", chunks("2;" + std::string(300, 'a') + "\r\n"), kBad + "body"},
      {"RFC 9112 7.1.2", "trailers are dropped", chunks("0\r\nX: y\r\n\r\n"), "POST /p"},
      {"RFC 9110 6.5.1", "also those that may not be there",
          chunks("2\r\nok\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\n\r\n"), "POST /p ok"},
      {"RFC 9112 7.1.2", "a folded trailer", chunks("0\r\n X: y\r\n\r\n"), kBad + "headers"},
      {"RFC 9112 7.1.2", "a trailer without a colon", chunks("0\r\nX\r\n\r\n"), kBad + "headers"},
      {"RFC 9112 7.1.2", "LF alone in a trailer", chunks("0\r\nX: y\n\r\n"), kBad + "trailer"},
      {"RFC 9112 7.1.2", "CR alone in a trailer", chunks("0\r\nX: y\rz\r\n\r\n"), kBad + "trailer"},
      {"RFC 9112 7.1.2", "no end of the trailers", chunks("0\r\nX: y\r\n"), "more"},
  });
}

TEST(HttpStandard, Rfc9110_10_1_1_Expect) {
  hold({
      {"RFC 9110 10.1.1", "100-continue, in any case", post("Content-Length: 2\r\nExpect: 100-Continue\r\n", "ok"),
          "POST /p ok"},
      {"RFC 9110 10.1.1", "another expectation", post("Content-Length: 2\r\nExpect: tea\r\n", "ok"),
          "EXPECTATION_UNSUPPORTED expect"},
      {"RFC 9110 10.1.1", "another beside it", post("Content-Length: 2\r\nExpect: 100-continue, tea\r\n", "ok"),
          "EXPECTATION_UNSUPPORTED expect"},
      {"RFC 9110 10.1.1", "another in a second line",
          post("Content-Length: 2\r\nExpect: 100-continue\r\nExpect: tea\r\n", "ok"), "EXPECTATION_UNSUPPORTED expect"},
      {"RFC 9110 10.1.1", "ignored in HTTP/1.0", "POST /p HTTP/1.0\r\nContent-Length: 2\r\nExpect: tea\r\n\r\nok",
          "POST /p ok"},
      {"RFC 9110 10.1.1", "a body that is refused anyway", post("Content-Length: 65\r\nExpect: 100-continue\r\n"),
          "BODY_TOO_LARGE "},
  });
}

} // namespace
} // namespace foyer::wire
