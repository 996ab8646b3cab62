// One connection as bytes, with or without TLS, blocking up to a deadline. It keeps what broken peers send: the first
// bytes below TLS, alerts, and whether the end was a FIN or a RST.
//
// TLS runs in memory, between the socket and the caller. Certificates are examined and never enforced: what is wrong
// with them is in TlsFacts, and the ladder goes on to see what else is.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "doctor/net.h"

namespace foyer::doctor {

struct TlsAsk {
  std::string name = {};     // that the certificate must have; sent as SNI unless it is an address
  bool send_name = true;     // SNI
  bool send_alpn = true;     // http/1.1
  bool old_versions = false; // also TLS 1.0 and 1.1, with their weak suites
  std::string ca_file = {};  // trusted besides the system's; empty: none
};

class Stream {
 public:
  explicit Stream(Socket socket);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // The handshake. Once, before anything is read or written.
  [[nodiscard]] TlsFacts secure(const TlsAsk& ask, const Deadline& deadline);

  // Ending::open: done. Whatever `read` appends came before its ending; it returns with the first bytes it gets.
  [[nodiscard]] Ending write(std::string_view bytes, const Deadline& deadline);
  [[nodiscard]] Ending read(std::string& out, const Deadline& deadline);
  [[nodiscard]] int alert() const;                                  // that the peer sent; 0: none
  [[nodiscard]] const std::string& fault() const { return fault_; } // of Ending::fault

 private:
  struct Tls;
  [[nodiscard]] Ending send(std::string_view bytes, const Deadline& deadline);
  [[nodiscard]] Ending receive(std::string& out, const Deadline& deadline);
  [[nodiscard]] Ending flush(const Deadline& deadline);
  [[nodiscard]] Ending ended_by(int error);
  void examine(TlsFacts& facts) const;

  Socket socket_;
  std::unique_ptr<Tls> tls_;
  std::string fault_ = {};
};

[[nodiscard]] std::string_view alert_name(int alert); // "unrecognized_name"; empty: unknown

} // namespace foyer::doctor
