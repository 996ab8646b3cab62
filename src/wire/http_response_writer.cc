#include <algorithm>
#include <charconv>
#include <ctime>

#include "wire/http_parser.h"

namespace foyer::wire {
namespace {

// A value that a handler takes from a peer's string cannot begin a new line.
void append_value(std::string& out, std::string_view value) {
  const std::size_t from = out.size();
  out.append(value);
  const auto unsafe = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f'; };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), unsafe, ' ');
}

// Headers that frame the answer or control the connection are set here and
// nowhere else, except in interim answers (101: Connection: Upgrade).
bool is_of_the_connection(std::string_view name, bool interim) {
  if (iequals(name, "content-length") || iequals(name, "transfer-encoding") || iequals(name, "date")) return true;
  return !interim && (iequals(name, "connection") || iequals(name, "keep-alive"));
}

// Without the framing headers, and without the empty line.
void append_head(std::string& out, const Response& response, bool keep_alive) {
  const int status = response.status;
  const bool interim = status >= 100 && status < 200;
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
  bool upgrade = false;
  for (const Header& header : response.headers.list()) {
    if (!is_token(header.name) || is_of_the_connection(header.name, interim)) continue;
    upgrade = upgrade || iequals(header.name, "upgrade");
    out += header.name;
    out += ": ";
    append_value(out, header.value);
    out += "\r\n";
  }
  if (!interim) {
    if (upgrade)
      out += keep_alive ? "Connection: Upgrade, keep-alive\r\n" : "Connection: Upgrade, close\r\n"; // RFC 9110 §7.8
    else if (!keep_alive)
      out += "Connection: close\r\n";
    else
      out += "Connection: keep-alive\r\n"; // for HTTP/1.0 clients that asked
  }
}

void append_end_of_head(std::string& out, std::string_view date) {
  if (!date.empty()) {
    out += "Date: ";
    out += date;
    out += "\r\n";
  }
  out += "\r\n";
}

} // namespace

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string write_response(const Response& response, bool keep_alive, std::string_view date, bool head_only) {
  const bool bodiless = !may_have_body(response.status);
  std::string out;
  out.reserve(256 + response.body.size());
  append_head(out, response, keep_alive);
  // For an answer to HEAD that was built without a body, the length of GET's body is unknown (RFC 9110 §8.6).
  if (!bodiless && !(head_only && response.body.empty())) {
    out += "Content-Length: ";
    out += std::to_string(response.body.size());
    out += "\r\n";
  }
  append_end_of_head(out, date);
  if (!bodiless && !head_only) out += response.body;
  return out;
}

std::string write_stream_head(const Response& response, bool chunked, bool keep_alive, std::string_view date) {
  std::string out;
  out.reserve(256);
  append_head(out, response, keep_alive);
  if (chunked) out += "Transfer-Encoding: chunked\r\n";
  append_end_of_head(out, date);
  return out;
}

void append_chunk(std::string& out, std::string_view bytes) {
  char size[16];
  const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
  out.append(size, end);
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

std::string http_date(WallTime now) {
  struct Last {
    std::time_t seconds = -1;
    std::string text = {};
  };
  thread_local Last last; // most answers of a thread are of the same second as those before
  const auto seconds = static_cast<std::time_t>(unix_seconds(now));
  if (seconds == last.seconds) return last.text;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  last = {.seconds = seconds,
      .text = std::string(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts))};
  return last.text;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

} // namespace foyer::wire
