// The PROXY protocol, versions 1 and 2: the line or block that a proxy writes before
// its client's first byte, with the client's address (haproxy's proxy-protocol.txt).
// Strict, incremental, bounded; gives the same result however the bytes were split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace foyer::wire {

inline constexpr std::size_t kProxyLineBytes = 107;    // version 1, with its CRLF
inline constexpr std::size_t kProxyHeaderBytes = 2048; // version 2, with all its extensions

// Whether the first bytes of a stream begin such a header.
enum class ProxyMark : std::uint8_t { absent, partly, present };
[[nodiscard]] ProxyMark proxy_mark(std::string_view bytes);

class ProxyHeader {
 public:
  enum class State : std::uint8_t {
    reading,
    done,
    absent, // the stream does not begin with one; taken() is the part that was read
    failed, // see what()
  };

  // Takes bytes off the front of `in`; bytes behind the header are left.
  State feed(std::string_view& in);
  [[nodiscard]] const std::string& taken() const { return buffer_; }
  [[nodiscard]] std::string_view what() const { return what_; }
  // When done. Empty: the proxy connects for itself (LOCAL), or gives no client (UNKNOWN, UNSPEC, a UNIX socket).
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] bool secure() const {
    return secure_;
  } // the client used TLS with the proxy, according to the proxy (PP2_TYPE_SSL)

 private:
  State read_line();
  State read_block();
  State fail(std::string_view what);
  [[nodiscard]] std::size_t wanted() const; // bytes of the whole header, as far as known
  State read_extensions(std::string_view rest);

  std::string buffer_;
  std::string address_;
  std::string_view what_;
  State state_ = State::reading;
  bool secure_ = false;
};

} // namespace foyer::wire
