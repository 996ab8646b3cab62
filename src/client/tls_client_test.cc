// The client's side of TLS: which certificates it trusts, and its errors.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "client/http_client.h"
#include "client/http_pool.h"

namespace foyer::client {
namespace {

// Serves one answer over TLS on loopback, with a self-made certificate for 127.0.0.1.
class TlsServer {
 public:
  TlsServer() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()), context_(SSL_CTX_new(TLS_server_method())) {
    make_certificate();
    SSL_CTX_use_certificate(context_, certificate_);
    SSL_CTX_use_PrivateKey(context_, key_);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 1);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    SSL_CTX_free(context_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
    std::filesystem::remove(ca_file_);
  }
  [[nodiscard]] wire::Url url(const std::string& host) const {
    return *wire::parse_url("https://" + host + ":" + std::to_string(port_) + "/");
  }
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }

 private:
  void make_certificate() {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate_, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate_, key_, EVP_sha256());
    ca_file_ = testing::TempDir() + "foyer_tls_client_" + std::to_string(::getpid()) + ".pem";
    FILE* out = std::fopen(ca_file_.c_str(), "w");
    PEM_write_X509(out, certificate_);
    std::fclose(out);
  }
  void serve() {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    SSL* tls = SSL_new(context_);
    SSL_set_fd(tls, socket);
    if (SSL_accept(tls) == 1) {
      char buffer[1024];
      if (SSL_read(tls, buffer, sizeof buffer) > 0) {
        const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        SSL_write(tls, answer.data(), static_cast<int>(answer.size()));
        SSL_shutdown(tls);
      }
    }
    SSL_free(tls);
    ::close(socket);
  }

  EVP_PKEY* key_;
  X509* certificate_;
  SSL_CTX* context_;
  std::string ca_file_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

HttpResult get(const TlsServer& server, const std::string& host, TlsOptions tls) {
  return http_request({.url = server.url(host), .headers = {}, .body = {}, .tls = std::move(tls)});
}

TEST(TlsClient, TalksToATrustedServer) {
  TlsServer server;
  const HttpResult answer = get(server, "127.0.0.1", {.ca_file = server.ca_file()});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->body, "ok");
}

TEST(TlsClient, RefusesAnUntrustedCertificateAndSaysSo) {
  TlsServer server;
  const HttpResult answer = get(server, "127.0.0.1", {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, NetError::Kind::tls);
  EXPECT_THAT(answer.error().what, testing::HasSubstr("self-signed"));
}

TEST(TlsClient, PersistentConnectionsTrustNobodyElseEither) {
  const auto through_a_pool = [](const std::string& host, bool trusted) {
    TlsServer server;
    exec::ControlPlane plane;
    std::promise<HttpResult> answer;
    std::unique_ptr<HttpPool> pool;
    plane.post([&] {
      pool = std::make_unique<HttpPool>(pool_driver(plane),
          PoolOptions{.server = server.url(host), .tls = {.ca_file = trusted ? server.ca_file() : std::string{}}});
      pool->send({.connect_timeout = Millis{5'000}, .timeout = Millis{20'000}},
          [&](HttpResult result) { answer.set_value(std::move(result)); });
    });
    auto result = answer.get_future().get();
    plane.stop();
    return result ? result->body
                  : std::string(to_string(result.error().kind)) + ", " + std::string(to_string(result.error().phase));
  };
  EXPECT_EQ(through_a_pool("127.0.0.1", true), "ok");
  EXPECT_EQ(through_a_pool("127.0.0.1", false), "tls, connecting");
  EXPECT_EQ(through_a_pool("localhost", true), "tls, connecting");
}

TEST(TlsClient, RefusesACertificateForAnotherHostAndSaysWhichNameItLacks) {
  TlsServer server;
  const HttpResult answer = get(server, "localhost", {.ca_file = server.ca_file()});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, NetError::Kind::tls);
  EXPECT_THAT(answer.error().what, testing::HasSubstr("the certificate does not name localhost"));
}

TEST(TlsClient, SaysWhichFileOfCertificatesItCannotRead) {
  TlsServer server;
  const HttpResult answer = get(server, "127.0.0.1", {.ca_file = "/nonexistent.pem"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().what, "cannot read the certificates in /nonexistent.pem");
}

} // namespace
} // namespace foyer::client
