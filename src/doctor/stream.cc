#include "doctor/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "doctor/certificate.h"
#include "wire/url.h"

namespace foyer::doctor {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kKeptFirstBytes = 256;

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};

std::string openssl_words() {
  std::string out;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (out.empty() && reason != nullptr) out = reason;
  }
  return out;
}

} // namespace

struct Stream::Tls {
  std::unique_ptr<SSL_CTX, FreeContext> context;
  std::unique_ptr<SSL, FreeSession> session;
  std::vector<int> verify_errors;
  std::string first_bytes; // of the peer, as they came
  int alert = 0;
  bool wanted = false; // a client certificate

  static Tls& of(const SSL* session) { return *static_cast<Tls*>(SSL_get_app_data(session)); }
  static void on_info(const SSL* session, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != 0) of(session).alert = value & 0xff;
  }
  static int on_verify(int good, X509_STORE_CTX* store) {
    if (good == 1) return 1;
    const auto* session =
        static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& errors = of(session).verify_errors;
    if (const int error = X509_STORE_CTX_get_error(store); std::ranges::find(errors, error) == errors.end())
      errors.push_back(error);
    return 1; // examined, not enforced
  }
  static int on_certificate_wanted(SSL* session, X509**, EVP_PKEY**) {
    of(session).wanted = true;
    return 0; // there is none
  }

  [[nodiscard]] bool make(const TlsAsk& ask, std::string& fault);
  void feed(std::string_view bytes) {
    if (first_bytes.size() < kKeptFirstBytes) first_bytes.append(bytes.substr(0, kKeptFirstBytes - first_bytes.size()));
    BIO_write(SSL_get_rbio(session.get()), bytes.data(), static_cast<int>(bytes.size()));
  }
};

bool Stream::Tls::make(const TlsAsk& ask, std::string& fault) {
  context.reset(SSL_CTX_new(TLS_client_method()));
  if (!context) return fault = "OpenSSL: " + openssl_words(), false;
  SSL_CTX_set_min_proto_version(context.get(), ask.old_versions ? TLS1_VERSION : TLS1_2_VERSION);
  if (ask.old_versions) SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_default_verify_paths(context.get());
  if (!ask.ca_file.empty() && SSL_CTX_load_verify_locations(context.get(), ask.ca_file.c_str(), nullptr) != 1)
    return fault = "cannot read the certificates in " + ask.ca_file + ": " + openssl_words(), false;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_client_cert_cb(context.get(), on_certificate_wanted);
  session.reset(SSL_new(context.get()));
  if (!session) return fault = "OpenSSL: " + openssl_words(), false;
  SSL_set_app_data(session.get(), this);
  SSL_set_info_callback(session.get(), on_info);
  const bool is_address = wire::is_ip_literal(ask.name);
  if (is_address)
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), ask.name.c_str());
  else
    SSL_set1_host(session.get(), ask.name.c_str());
  if (ask.send_name && !is_address) SSL_set_tlsext_host_name(session.get(), ask.name.c_str());
  constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  if (ask.send_alpn) SSL_set_alpn_protos(session.get(), kHttp11.data(), kHttp11.size());
  SSL_set_bio(session.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(session.get());
  return true;
}

Stream::Stream(Socket socket) : socket_(std::move(socket)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

int Stream::alert() const { return tls_ ? tls_->alert : 0; }

Ending Stream::ended_by(int error) {
  if (error == ECONNRESET || error == EPIPE) return Ending::reset;
  if (error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH) return Ending::silent;
  fault_ = std::strerror(error);
  return Ending::fault;
}

Ending Stream::send(std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return ended_by(errno);
    if (deadline.passed()) return Ending::silent;
    pollfd waiting{.fd = socket_.fd(), .events = POLLOUT, .revents = 0};
    (void)::poll(&waiting, 1, deadline.left_ms());
  }
  return Ending::open;
}

Ending Stream::receive(std::string& out, const Deadline& deadline) {
  std::array<char, kReadSize> buffer; // NOLINT: filled by recv
  while (true) {
    const auto size = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
      out.append(buffer.data(), static_cast<std::size_t>(size));
      return Ending::open;
    }
    if (size == 0) return Ending::finished;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return ended_by(errno);
    if (deadline.passed()) return Ending::silent;
    pollfd waiting{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, deadline.left_ms());
  }
}

Ending Stream::flush(const Deadline& deadline) {
  char* data = nullptr;
  BIO* out = SSL_get_wbio(tls_->session.get());
  const auto size = BIO_get_mem_data(out, &data);
  if (size <= 0) return Ending::open;
  const std::string bytes(data, static_cast<std::size_t>(size));
  (void)BIO_reset(out);
  return send(bytes, deadline);
}

Ending Stream::write(std::string_view bytes, const Deadline& deadline) {
  if (!tls_) return send(bytes, deadline);
  if (SSL_write(tls_->session.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) {
    fault_ = "OpenSSL: " + openssl_words();
    return Ending::fault;
  }
  return flush(deadline);
}

Ending Stream::read(std::string& out, const Deadline& deadline) {
  if (!tls_) return receive(out, deadline);
  std::array<char, kReadSize> plain; // NOLINT: filled by SSL_read
  while (true) {
    ERR_clear_error();
    const int size = SSL_read(tls_->session.get(), plain.data(), static_cast<int>(plain.size()));
    if (size > 0) {
      out.append(plain.data(), static_cast<std::size_t>(size));
      return Ending::open;
    }
    const int why = SSL_get_error(tls_->session.get(), size);
    if (why == SSL_ERROR_ZERO_RETURN) return Ending::finished;
    if (why != SSL_ERROR_WANT_READ) {
      if (tls_->alert != 0) return Ending::reset;
      fault_ = "TLS: " + openssl_words();
      return Ending::fault;
    }
    if (const Ending ending = flush(deadline); ending != Ending::open) return ending;
    std::string cipher;
    const Ending ending = receive(cipher, deadline);
    if (ending != Ending::open) return ending;
    tls_->feed(cipher);
  }
}

namespace {

// A record of TLS begins with its type (RFC 8446 §5.1: 20 to 23) and the version 3.
bool is_tls(std::string_view bytes) {
  if (bytes.empty()) return true;
  const auto type = static_cast<unsigned char>(bytes[0]);
  return type >= 20 && type <= 23 && (bytes.size() < 2 || bytes[1] == 3);
}

TlsFacts::Result result_of(Ending ending) {
  switch (ending) {
    case Ending::finished: return TlsFacts::Result::finished;
    case Ending::reset: return TlsFacts::Result::reset;
    case Ending::silent: return TlsFacts::Result::silent;
    default: return TlsFacts::Result::fault;
  }
}

} // namespace

void Stream::examine(TlsFacts& facts) const {
  SSL* session = tls_->session.get();
  facts.alert = tls_->alert;
  facts.first_bytes = tls_->first_bytes;
  facts.client_certificate_wanted = tls_->wanted;
  facts.verify_errors = tls_->verify_errors;
  facts.version = SSL_get_version(session);
  if (const char* cipher = SSL_get_cipher_name(session); cipher != nullptr) facts.cipher = cipher;
  if (const auto* chain = SSL_get_peer_cert_chain(session); chain != nullptr)
    facts.chain = static_cast<std::size_t>(sk_X509_num(chain));
  if (X509* leaf = SSL_get0_peer_certificate(session); leaf != nullptr) facts.leaf = read_certificate(leaf);
}

TlsFacts Stream::secure(const TlsAsk& ask, const Deadline& deadline) {
  TlsFacts facts;
  const Stopwatch watch(deadline.clock());
  tls_ = std::make_unique<Tls>();
  if (!tls_->make(ask, facts.detail)) {
    facts.result = TlsFacts::Result::fault;
    return facts;
  }
  while (true) {
    ERR_clear_error();
    const int done = SSL_do_handshake(tls_->session.get());
    const int why = SSL_get_error(tls_->session.get(), done);
    const Ending sent = flush(deadline);
    if (done == 1) break;
    if (why != SSL_ERROR_WANT_READ) {
      facts.result = tls_->alert != 0  ? TlsFacts::Result::alert
          : !is_tls(tls_->first_bytes) ? TlsFacts::Result::not_tls
                                       : TlsFacts::Result::alert;
      facts.detail = openssl_words();
      break;
    }
    std::string cipher;
    // What the peer sent before it ended is read even when it takes no more.
    const Ending got = receive(cipher, deadline);
    tls_->feed(cipher);
    if (got == Ending::open) continue;
    facts.result = result_of(sent != Ending::open && got == Ending::fault ? sent : got);
    if (!tls_->first_bytes.empty() && !is_tls(tls_->first_bytes)) facts.result = TlsFacts::Result::not_tls;
    facts.detail = fault_;
    break;
  }
  examine(facts);
  facts.took = watch.elapsed();
  return facts;
}

std::string_view alert_name(int alert) {
  switch (alert) {
    case 40: return "handshake_failure";
    case 42: return "bad_certificate";
    case 47: return "illegal_parameter";
    case 48: return "unknown_ca";
    case 50: return "decode_error";
    case 70: return "protocol_version";
    case 71: return "insufficient_security";
    case 80: return "internal_error";
    case 86: return "inappropriate_fallback";
    case 112: return "unrecognized_name";
    case 116: return "certificate_required";
    case 120: return "no_application_protocol";
    default: return "";
  }
}

} // namespace foyer::doctor
