#include "io/tls/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/pem.h"

namespace foyer::io {
namespace {

constexpr std::string_view kProtocol = "http/1.1";
constexpr const char* kSuites12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-"
    "SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kClientChain = 5; // certificates between a client's and our trusted ones

struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using Chain = std::unique_ptr<STACK_OF(X509), FreeChain>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The DNS names of a certificate (RFC 6125 §6.4: the common name does not count).
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> out;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    out.push_back(lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
        static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  GENERAL_NAMES_free(names);
  std::ranges::sort(out);
  return out;
}

// Callbacks of OpenSSL; none may throw.

int choose_site(SSL* ssl, int*, void* arg) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* site = static_cast<const TlsContext*>(arg)->find(name);
  if (site == nullptr) return SSL_TLSEXT_ERR_NOACK;
  if (site != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, site);
  return SSL_TLSEXT_ERR_OK;
}

int choose_protocol(
    SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned int length, void*) {
  for (unsigned int at = 0; at < length; at += 1U + offered[at]) {
    if (offered[at] != kProtocol.size() || at + 1 + kProtocol.size() > length) continue;
    if (std::memcmp(offered + at + 1, kProtocol.data(), kProtocol.size()) != 0) continue;
    *out = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int tickets_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Seals or opens a ticket: 0: not ours, a full handshake follows; 2: ours, and to be replaced.
int ticket_key(
    SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
  auto* tickets = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tickets_index()));
  TicketKeys::Pair pair = tickets->keys();
  TicketKeys::Key* key = &pair.current;
  int verdict = 1;
  if (sealing == 1) {
    std::memcpy(name, key->name.data(), key->name.size());
    tickets->entropy().fill(std::as_writable_bytes(std::span{iv, 16}));
  } else if (std::memcmp(name, pair.former.name.data(), pair.former.name.size()) == 0) {
    key = &pair.former;
    verdict = 2;
  } else if (std::memcmp(name, key->name.data(), key->name.size()) != 0) {
    verdict = 0;
  }
  if (verdict != 0) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac.data(), key->mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    const bool ready = EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
        EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv, sealing) == 1;
    if (!ready) verdict = -1;
  }
  OPENSSL_cleanse(&pair, sizeof pair);
  return verdict;
}

std::unexpected<Refusal> unreadable(std::string what) {
  ERR_clear_error();
  return refuse(Cause::FILE_UNREADABLE, std::move(what));
}

// A session may be resumed only with the same client CAs.
void set_session_id(SSL_CTX* context, const TlsSettings& settings) {
  const std::string what = std::string(settings.client_required ? "required " : "optional ") + settings.client_ca;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(what.data()), what.size(), digest);
  SSL_CTX_set_session_id_context(context, digest, sizeof digest);
}

Result<void> believe_clients(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.client_ca.empty()) return {};
  const auto authorities = pem::certificates_in(settings.client_ca);
  if (authorities.empty()) return unreadable("the file of client CAs contains no PEM certificate");
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : authorities) {
    X509_STORE_add_cert(store, authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
  }
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN); // certificates in the file are trusted, root or not
  ERR_clear_error();                                      // a duplicate leaves an error
  SSL_CTX_set_verify(
      context, SSL_VERIFY_PEER | (settings.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  SSL_CTX_set_verify_depth(context, kClientChain);
  return {};
}

} // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::~TlsContext() = default;

ssl_ctx_st* TlsContext::find(std::string_view name) const {
  const std::string wanted = lower(name);
  if (const auto at = exact_.find(wanted); at != exact_.end()) return at->second;
  const auto dot = wanted.find('.');
  if (dot == 0 || dot == std::string::npos) return nullptr;
  const auto at = wildcard_.find(std::string_view{wanted}.substr(dot));
  return at == wildcard_.end() ? nullptr : at->second;
}

Result<void> TlsContext::add(const TlsPair& pair, const TlsSettings& settings, TicketKeys& tickets) {
  const auto certificates = pem::certificates_in(pair.certificates);
  if (certificates.empty()) return unreadable("no PEM certificate");
  const auto key = pem::private_key_in(pair.key);
  if (!key) return unreadable("no PEM private key, or one with a passphrase");
  const Chain chain(sk_X509_new_null());
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    X509_up_ref(certificates[i].get());
    sk_X509_push(chain.get(), certificates[i].get());
  }
  const auto use = [&](SSL_CTX* context) {
    return SSL_CTX_use_cert_and_key(context, certificates[0].get(), key.get(), chain.get(), 0) == 1;
  };

  const auto names = names_of(certificates[0].get());
  // The same names with the other type of key: OpenSSL chooses by what the client can verify.
  if (const auto same = std::ranges::find(names_, names); !names.empty() && same != names_.end())
    if (use(sites_[static_cast<std::size_t>(same - names_.begin())].get())) return {};
  ERR_clear_error();

  Site site(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = site.get();
  if (context == nullptr) return unreadable("OpenSSL has no memory");
  SSL_CTX_set_min_proto_version(context, settings.tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_options(context,
      SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_cipher_list(context, kSuites12);
  SSL_CTX_set_ciphersuites(context, kSuites13);
  SSL_CTX_set1_groups_list(context, kGroups);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, std::chrono::duration_cast<std::chrono::seconds>(TicketKeys::kPeriod).count());
  SSL_CTX_set_ex_data(context, tickets_index(), &tickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, choose_site);
  SSL_CTX_set_tlsext_servername_arg(context, this);
  set_session_id(context, settings);
  TRY_VOID(believe_clients(context, settings));
  if (!use(context)) {
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    const char* said = ERR_reason_error_string(ERR_peek_last_error());
    std::string what = said == nullptr ? "the certificate and the key cannot be used"
                                       : said; // OpenSSL's words, without contents of the files
    ERR_clear_error();
    return refuse(
        reason == SSL_R_PRIVATE_KEY_MISMATCH ? Cause::KEY_PAIR_MISMATCH : Cause::FILE_UNREADABLE, std::move(what));
  }

  for (const auto& name : names) {
    if (name.starts_with("*."))
      wildcard_.emplace(name.substr(1), context);
    else
      exact_.emplace(name, context);
  }
  sites_.push_back(std::move(site));
  names_.push_back(names);
  return {};
}

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const TlsSettings& settings, TicketKeys& tickets) {
  const std::shared_ptr<TlsContext> context{new TlsContext};
  for (const auto& pair : settings.pairs) TRY_VOID(context->add(pair, settings, tickets));
  if (context->sites_.empty()) return unreadable("no certificate was given");
  return context;
}

} // namespace foyer::io
