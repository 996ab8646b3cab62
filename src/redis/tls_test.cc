// A connection over TLS: which servers it trusts, and what it says about the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "redis/testing/answers.h"
#include "redis/testing/redis_server.h"

namespace foyer::redis {
namespace {

using testing::HasSubstr;

// A key and a certificate that it signed itself, for 127.0.0.1, as files.
class Certificate {
 public:
  Certificate() {
    std::string pattern = (std::filesystem::temp_directory_path() / "foyer-redis-tls-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(made.get(), name);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(made.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(made.get(), key.get(), EVP_sha256());
    FILE* out = std::fopen(file().c_str(), "w");
    PEM_write_X509(out, made.get());
    std::fclose(out);
    out = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
  }
  ~Certificate() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  [[nodiscard]] std::string file() const { return dir_ + "/certificate.pem"; }
  [[nodiscard]] std::string key_file() const { return dir_ + "/key.pem"; }

 private:
  std::string dir_;
};

class RedisTlsTest : public testing::Test {
 protected:
  Answer ask_over(ServerUrl url, client::TlsOptions tls) {
    Connection connection({.url = std::move(url), .tls = std::move(tls)}, {}, system_entropy());
    return ask(connection, {"PING"});
  }

  Certificate certificate;
  testing_world::RedisServer server{{.arguments = {"--tls-cert-file", certificate.file(), "--tls-key-file",
                                         certificate.key_file(), "--tls-auth-clients", "no"},
      .tls = true}};
};

TEST_F(RedisTlsTest, AServerWhoseCertificateIsTrustedAndNamesItIsUsed) {
  EXPECT_EQ(words(ask_over(server.url(), {.ca_file = certificate.file()})), "PONG");
}

TEST_F(RedisTlsTest, AServerThatIsNotTrustedIsRefused) {
  const Answer answer = ask_over(server.url(), {.ca_file = ""});
  ASSERT_EQ(words(answer), "tls");
  EXPECT_THAT(answer.error().what, HasSubstr("self-signed certificate"));
}

TEST_F(RedisTlsTest, AServerWhoseCertificateNamesAnotherHostIsRefused) {
  const Answer answer = ask_over(server.url(), {.ca_file = certificate.file(), .name = "bus.example"});
  ASSERT_EQ(words(answer), "tls");
  EXPECT_THAT(answer.error().what, HasSubstr("bus.example"));
}

TEST_F(RedisTlsTest, PlainBytesToItsPortAreAFailureAndNoLogin) {
  ServerUrl url = server.url();
  url.tls = false;
  EXPECT_THAT(words(ask_over(url, {.ca_file = ""})), testing::AnyOf("lost", "protocol"));
}

} // namespace
} // namespace foyer::redis
