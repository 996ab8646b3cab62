// For the tests of TLS: an authority that issues certificates, one loop turned by
// hand on virtual time, and clients that are OpenSSL over memory, so that the test
// decides which bytes arrive when.
#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/releases.h"
#include "io/poll/epoll_poller.h"
#include "io/testing/peer.h"
#include "io/tls/tls_server.h"
#include "io/tls/tls_tickets.h"

namespace foyer::io::test {

using Certificate = std::unique_ptr<X509, Releases<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>>;

enum class KeyKind { ecdsa, rsa };

inline PrivateKey new_key(KeyKind kind) {
  // RSA keys are slow to generate: one for all tests.
  static const PrivateKey rsa{EVP_RSA_gen(2048)};
  if (kind == KeyKind::ecdsa) return PrivateKey{EVP_EC_gen("P-256")};
  EVP_PKEY_up_ref(rsa.get());
  return PrivateKey{rsa.get()};
}

template <class Write>
std::string pem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}
inline std::string pem(X509* certificate) {
  return pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
}

// A root, or one signed by another.
class Authority {
 public:
  explicit Authority(std::string name, const Authority* above = nullptr)
      : name_(std::move(name)),
        key_(new_key(KeyKind::ecdsa)) {
    certificate_ = make(name_, key_.get(), above,
        {{NID_basic_constraints, "critical,CA:TRUE"}, {NID_key_usage, "critical,keyCertSign"}}, {});
  }
  // "DNS:chat.example.com,DNS:*.example.com"; with the chain up to here, without the root.
  [[nodiscard]] TlsPair issue(const std::string& names, KeyKind kind = KeyKind::ecdsa, bool with_own = false) const {
    const PrivateKey key = new_key(kind);
    std::vector<std::pair<int, std::string>> extensions;
    if (!names.empty()) extensions.emplace_back(NID_subject_alt_name, names);
    const Certificate leaf = make("a leaf", key.get(), this, extensions, {});
    return {.certificates = pem(leaf.get()) + (with_own ? pem(certificate_.get()) : ""),
        .key = pem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
  }
  [[nodiscard]] std::string certificate() const { return pem(certificate_.get()); }
  [[nodiscard]] X509* x509() const { return certificate_.get(); }

 private:
  static Certificate make(const std::string& name, EVP_PKEY* key, const Authority* signer,
      const std::vector<std::pair<int, std::string>>& extensions, std::optional<long>) {
    static long serial = 1;
    Certificate out{X509_new()};
    X509_set_version(out.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), 3600);
    X509_set_pubkey(out.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(out.get(),
        signer == nullptr ? X509_get_subject_name(out.get()) : X509_get_subject_name(signer->certificate_.get()));
    for (const auto& [kind, value] : extensions) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
      X509_add_ext(out.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(out.get(), signer == nullptr ? key : signer->key_.get(), EVP_sha256());
    return out;
  }

  std::string name_;
  PrivateKey key_;
  Certificate certificate_;
};

struct Wishes {
  int version = 0;                   // TLS1_2_VERSION or TLS1_3_VERSION alone
  std::string server_name = {};      // SNI
  std::string alpn = {};             // "\x08http/1.1"
  std::string suites = {};           // of TLS 1.2
  std::string signatures = {};       // "ECDSA+SHA256"
  std::optional<TlsPair> shows = {}; // its certificate
  const Authority* trusts = nullptr; // null: any
  SSL_SESSION* resumes = nullptr;
  int max_version = 0;
};

// One client: OpenSSL between two memories, and a socket behind them.
class TlsClient {
 public:
  TlsClient(Peer peer, const Wishes& wishes) : peer_(std::move(peer)), context_(SSL_CTX_new(TLS_client_method())) {
    if (wishes.version != 0) {
      SSL_CTX_set_min_proto_version(context_.get(), wishes.version);
      SSL_CTX_set_max_proto_version(context_.get(), wishes.version);
    }
    if (wishes.max_version != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context_.get(), wishes.max_version);
    }
    if (!wishes.suites.empty()) SSL_CTX_set_cipher_list(context_.get(), wishes.suites.c_str());
    if (!wishes.signatures.empty()) SSL_CTX_set1_sigalgs_list(context_.get(), wishes.signatures.c_str());
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (wishes.trusts != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), wishes.trusts->x509());
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    }
    if (wishes.shows) show(*wishes.shows);
    ssl_.reset(SSL_new(context_.get()));
    if (!wishes.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), wishes.server_name.c_str());
    if (!wishes.alpn.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wishes.alpn.data()),
          static_cast<unsigned int>(wishes.alpn.size()));
    if (wishes.resumes != nullptr) SSL_set_session(ssl_.get(), wishes.resumes);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
  }

  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
  [[nodiscard]] Peer& peer() { return peer_; }
  // The ciphertext to be sent now.
  std::string take_out() {
    std::string out(BIO_ctrl_pending(out_), '\0');
    if (!out.empty()) BIO_read(out_, out.data(), static_cast<int>(out.size()));
    return out;
  }
  void hear(std::string_view bytes) { BIO_write(in_, bytes.data(), static_cast<int>(bytes.size())); }
  // One step: sends and receives. False once it has failed.
  bool step() {
    if (!SSL_is_init_finished(ssl_.get()) && error_ == 0) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      if (done != 1 && SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ)
        error_ = ERR_GET_REASON(ERR_peek_error());
    }
    peer_.write(take_out());
    hear(peer_.read(&ended));
    return error_ == 0;
  }
  void write(std::string_view plain) {
    ASSERT_GT(SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())), 0);
    peer_.write(take_out());
  }
  // What has arrived; an alert of the other side is kept in error().
  std::string read() {
    hear(peer_.read(&ended));
    std::string all;
    char buffer[16384];
    while (true) {
      ERR_clear_error();
      const int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (n > 0) {
        all.append(buffer, static_cast<std::size_t>(n));
        continue;
      }
      const int outcome = SSL_get_error(ssl_.get(), n);
      if (outcome == SSL_ERROR_ZERO_RETURN) notified = true;
      if (outcome == SSL_ERROR_SSL) error_ = ERR_GET_REASON(ERR_peek_error());
      return all;
    }
  }
  // The alert that was received, as in RFC 8446 §6; 0: none.
  [[nodiscard]] int alert() const { return error_ > SSL_AD_REASON_OFFSET ? error_ - SSL_AD_REASON_OFFSET : 0; }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] std::string shown_names() const {
    const Certificate certificate{SSL_get1_peer_certificate(ssl_.get())};
    std::string out;
    auto* names =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
      const auto* name = sk_GENERAL_NAME_value(names, i)->d.dNSName;
      out += (out.empty() ? "" : ",") +
          std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
              static_cast<std::size_t>(ASN1_STRING_length(name)));
    }
    GENERAL_NAMES_free(names);
    return out;
  }

  bool ended = false;    // the socket
  bool notified = false; // close_notify came

 private:
  void show(const TlsPair& pair) {
    BIO* certificate_bio = BIO_new_mem_buf(pair.certificates.data(), static_cast<int>(pair.certificates.size()));
    BIO* key_bio = BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size()));
    const Certificate certificate{PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr)};
    const PrivateKey key{PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr)};
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
    BIO_free(certificate_bio);
    BIO_free(key_bio);
  }

  Peer peer_;
  std::unique_ptr<SSL_CTX, Releases<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Releases<SSL_free>> ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  int error_ = 0;
};

struct TlsWorld {
  explicit TlsWorld(TlsSettings settings)
      : server(made(std::move(settings)), metrics, [this](const Refusal& refusal, std::string_view peer) {
          reports.push_back(std::string(refusal.code()) + ": " + refusal.evidence + " from " + std::string(peer));
          return Ref{"ref1"};
        }) {}

  std::shared_ptr<const TlsContext> made(TlsSettings settings) {
    auto context = TlsContext::make(settings, tickets);
    EXPECT_TRUE(context) << (context ? "" : context.error().evidence);
    return *context;
  }

  FixedEntropy entropy;
  ManualClock clock;
  Metrics metrics;
  TicketKeys tickets{entropy};
  std::vector<std::string> reports{};
  std::vector<std::string> story{};
  std::vector<std::unique_ptr<Recorder>> recorders{};
  TlsServer server;
  EventLoop loop{0, clock, null_log(), make_epoll_poller()};

  struct Connection {
    Peer peer;
    Recorder* handler;
  };
  // Its handler's `transport` is the TLS one.
  Connection connect(std::string name, int buffer = 0) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    if (buffer != 0) ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    recorders.push_back(std::make_unique<Recorder>(story, std::move(name)));
    Recorder* recorder = recorders.back().get();
    accept_ = server.secured(loop, [recorder](Loop&, Transport& transport) {
      recorder->transport = &transport;
      return recorder;
    });
    loop.adopt(epoll_handle(ends[0]), "10.0.0.1", accept_);
    return {Peer{ends[1]}, recorder};
  }
  struct Client {
    std::unique_ptr<TlsClient> tls;
    Recorder* handler;
    TlsClient* operator->() const { return tls.get(); }
  };
  Client client(std::string name, const Wishes& wishes = {}, int buffer = 0) {
    auto [peer, handler] = connect(std::move(name), buffer);
    return {std::make_unique<TlsClient>(std::move(peer), wishes), handler};
  }
  // Until the client is done or has failed; true: both sides are done.
  bool handshake(Client& c) {
    for (int i = 0; i < 20 && c->step(); ++i) {
      loop.turn(Millis{0});
      if (SSL_is_init_finished(c->ssl())) break;
    }
    c->step();
    loop.turn(Millis{0});
    return c->error() == 0 && SSL_is_init_finished(c->ssl());
  }
  std::vector<std::string> turn(int times = 1) {
    story.clear();
    for (int i = 0; i < times; ++i) loop.turn(Millis{0});
    return story;
  }
  // "full 1, gone 2": the counters that are not zero.
  [[nodiscard]] std::string handshakes() const {
    std::string out;
    const std::string text = metrics.text();
    constexpr std::string_view kStart = "foyer_tls_handshakes_total{result=\"";
    for (std::size_t at = text.find(kStart); at != std::string::npos; at = text.find(kStart, at + 1)) {
      const std::string line = text.substr(at + kStart.size(), text.find('\n', at) - at - kStart.size());
      const auto quote = line.find('"');
      const std::string value = line.substr(quote + 3);
      if (value != "0") out += (out.empty() ? "" : ", ") + line.substr(0, quote) + " " + value;
    }
    return out;
  }

 private:
  AcceptFunction accept_;
};

} // namespace foyer::io::test
