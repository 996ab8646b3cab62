// The configuration of a TLS handshake: certificates with their keys and names, and
// the trusted client CAs. Immutable; a reload makes another one,
// and open connections keep theirs.
//
// TLS 1.3 and 1.2; for 1.2 only suites with ephemeral key exchange and an AEAD. No
// compression, no renegotiation, no early data. Sessions are resumed by tickets.
// ALPN: http/1.1 or none; a client that offers only others gets the alert
// no_application_protocol (RFC 7301 §3.2).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/refusal.h"
#include "io/tls/tls_tickets.h"

struct ssl_ctx_st;
struct ssl_st;

namespace foyer::io {

struct TlsPair {
  std::string certificates; // PEM, the server's own first, then its issuers
  std::string key;          // PEM
};

struct TlsSettings {
  // The first answers clients that send no name or an unknown one. The others
  // are chosen by the client's SNI among the names of the certificates; a wildcard
  // covers one label. Of two pairs for the same names, one RSA and one ECDSA, both are
  // offered.
  std::vector<TlsPair> pairs;
  std::string client_ca; // PEM; empty: no client certificate is requested
  bool client_required = true;
  bool tls_1_2 = true;
};

class TlsContext {
 public:
  // `tickets` outlives the context. Refuses with FILE_UNREADABLE or KEY_PAIR_MISMATCH.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> make(const TlsSettings& settings, TicketKeys& tickets);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  // The SSL_CTX for new connections.
  [[nodiscard]] ssl_ctx_st* first() const { return sites_.front().get(); }
  // By the name that the client sent; null: no certificate has it.
  [[nodiscard]] ssl_ctx_st* find(std::string_view name) const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  using Site = std::unique_ptr<ssl_ctx_st, Free>;

  TlsContext() = default;
  [[nodiscard]] Result<void> add(const TlsPair& pair, const TlsSettings& settings, TicketKeys& tickets);

  std::vector<Site> sites_;
  std::vector<std::vector<std::string>> names_; // of each site, sorted
  std::map<std::string, ssl_ctx_st*, std::less<>> exact_;
  std::map<std::string, ssl_ctx_st*, std::less<>> wildcard_; // "*.example.com" is ".example.com"
};

} // namespace foyer::io
