#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "config/testing/config_world.h"

namespace foyer::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A certificate for the key, valid until `end`.
std::string certificate_pem(const std::string& key, WallTime end, WallTime begin = from_unix_seconds(1'600'000'000),
    const char* names = "DNS:chat.example.com") {
  BIO* in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  EVP_PKEY* pkey = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  X509* x = X509_new();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  ASN1_TIME_set(X509_getm_notBefore(x), unix_seconds(begin));
  ASN1_TIME_set(X509_getm_notAfter(x), unix_seconds(end));
  X509_set_pubkey(x, pkey);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
  X509_add_ext(x, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(x, pkey, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, x);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(out);
  BIO_free(in);
  X509_free(x);
  EVP_PKEY_free(pkey);
  return pem;
}

World with_tls(Millis life = std::chrono::hours(24 * 60)) {
  World out = staging_gateway();
  out.env["TLS_CERT_FILE"] = "/cert";
  out.env["TLS_KEY_FILE"] = "/key";
  out.files["/key"] = {key_pem(), 0600};
  out.files["/cert"] = {certificate_pem(key_pem(), out.now + life), 0644};
  return out;
}

TEST(Preflight, ASwappedCertificateAndKeyAreCalledSwapped) {
  World world = with_tls();
  std::swap(world.files["/cert"], world.files["/key"]);
  EXPECT_EQ(code_of(world.only().code), "KEY_PAIR_MISMATCH");
  EXPECT_THAT(world.only().message, HasSubstr("swapped"));
}

TEST(Preflight, CertificateExpired) {
  EXPECT_THAT(with_tls().codes(), IsEmpty());
  World soon = with_tls(std::chrono::hours(24 * 13));
  EXPECT_EQ(code_of(soon.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_EQ(soon.only().severity, Severity::warning);
  EXPECT_TRUE(is_fit(soon.findings()));
  World over = with_tls(Millis{-1000});
  EXPECT_EQ(code_of(over.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_EQ(over.only().severity, Severity::error);
}

TEST(Preflight, KeyPairMismatch) {
  World world = with_tls();
  world.files["/key"].bytes = key_pem(99);
  EXPECT_EQ(code_of(world.only().code), "KEY_PAIR_MISMATCH");
  world = with_tls();
  world.env.erase("TLS_KEY_FILE");
  EXPECT_EQ(code_of(world.only().code), "KEY_PAIR_MISMATCH");
}

TEST(Preflight, TlsFilesThatCannotBeUsed) {
  World world = with_tls();
  world.files["/cert"].bytes = "hello";
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE"));
  world = with_tls();
  world.files["/key"].bytes = "hello";
  EXPECT_THAT(world.codes(), ElementsAre("KEY_UNREADABLE"));
  world = with_tls();
  world.files.clear();
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE", "KEY_UNREADABLE"));
}

TEST(Preflight, CertificateNotYetValid) {
  World world = with_tls();
  world.files["/cert"].bytes =
      certificate_pem(key_pem(), world.now + std::chrono::hours(24 * 60), world.now + std::chrono::hours(1));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_NOT_YET_VALID");
  EXPECT_EQ(world.only().severity, Severity::error);
}

TEST(Preflight, CertificateNameMismatch) {
  World world = with_tls();
  world.env["PUBLIC_URL"] = "https://talk.example.com";
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_NAME_MISMATCH");
  EXPECT_EQ(world.only().severity, Severity::warning);
  EXPECT_EQ(world.only().message, "No certificate is for talk.example.com, the host of PUBLIC_URL.");
  world.files["/cert"].bytes = certificate_pem(
      key_pem(), world.now + std::chrono::hours(24 * 60), from_unix_seconds(1'600'000'000), "DNS:*.example.com");
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env["PUBLIC_URL"] = "https://192.0.2.1";
  EXPECT_THAT(world.codes(), ElementsAre("CERTIFICATE_NAME_MISMATCH"));
  world.files["/cert"].bytes = certificate_pem(
      key_pem(), world.now + std::chrono::hours(24 * 60), from_unix_seconds(1'600'000'000), "IP:192.0.2.1");
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Preflight, CertificateChainBroken) {
  World world = with_tls();
  const std::string own = world.files["/cert"].bytes;
  world.files["/cert"].bytes = own + certificate_pem(key_pem(99), world.now + std::chrono::hours(24 * 60));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_CHAIN_BROKEN");
  EXPECT_EQ(world.only().severity, Severity::warning);
}

TEST(Preflight, ExpiringCertificatesOfOthersAreReported) {
  World world = with_tls();
  world.files["/cert"].bytes += certificate_pem(key_pem(), world.now - std::chrono::hours(1));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_THAT(world.only().message, HasSubstr(", certificate 2 expired at "));
  EXPECT_EQ(world.only().severity, Severity::warning) << "a client may have another chain";

  world = with_tls();
  world.args.insert(world.args.end(), {"--tls-client-ca-file", "/clients"});
  const auto good = certificate_pem(key_pem(5), world.now + std::chrono::hours(24 * 60));
  world.files["/clients"] = {good, 0644};
  EXPECT_THAT(world.codes(), IsEmpty());
  world.files["/clients"].bytes = good + certificate_pem(key_pem(6), world.now + std::chrono::hours(24));
  EXPECT_EQ(code_of(world.only().code), "CERTIFICATE_EXPIRED");
  EXPECT_THAT(world.only().message, HasSubstr("FOYER_TLS_CLIENT_CA_FILE, certificate 2 expires at "));
}

TEST(Preflight, EveryFurtherCertificateIsJudgedToo) {
  World world = with_tls();
  world.args.insert(world.args.end(), {"--tls-more-certificates", "/cert2:/key2"});
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE", "KEY_UNREADABLE"));
  world.files["/key2"] = {key_pem(2), 0604};
  world.files["/cert2"] = {certificate_pem(key_pem(2), world.now - std::chrono::hours(1)), 0644};
  EXPECT_THAT(world.codes(), ElementsAre("SECRET_FILE_EXPOSED", "CERTIFICATE_EXPIRED"));
  EXPECT_THAT(world.findings().back().message, HasSubstr("certificate 1 of FOYER_TLS_MORE_CERTIFICATES expired at "));
  world.files["/key2"] = {key_pem(3), 0600};
  world.files["/cert2"].bytes = certificate_pem(key_pem(2), world.now + std::chrono::hours(24 * 60));
  EXPECT_EQ(world.only().message,
      "The key of certificate 1 of FOYER_TLS_MORE_CERTIFICATES is not that of the first certificate in certificate 1 "
      "of FOYER_TLS_MORE_CERTIFICATES.");
  world.args.back() = "/cert2";
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
}

TEST(Preflight, TheAuthorityOfTheAuthServiceIsReadBeforehand) {
  World world = staging_gateway();
  world.args.insert(world.args.end(), {"--auth-service-ca-file", "/ca"});
  EXPECT_EQ(world.only().message, "The file of FOYER_AUTH_SERVICE_CA_FILE does not exist.");
  world.files["/ca"] = {"hello", 0644};
  EXPECT_EQ(world.only().message, "The file of FOYER_AUTH_SERVICE_CA_FILE does not contain a PEM certificate.");
  world.files["/ca"].bytes = with_tls().files["/cert"].bytes;
  EXPECT_THAT(world.codes(), IsEmpty());
}

TEST(Preflight, ClientAuthorities) {
  World world = with_tls();
  world.args.insert(world.args.end(), {"--tls-client-ca-file", "/ca"});
  EXPECT_THAT(world.codes(), ElementsAre("FILE_UNREADABLE"));
  world.files["/ca"] = {"hello", 0644};
  EXPECT_EQ(world.only().message, "The file of FOYER_TLS_CLIENT_CA_FILE does not contain a PEM certificate.");
  world.files["/ca"].bytes = world.files["/cert"].bytes;
  EXPECT_THAT(world.codes(), IsEmpty());
  world.env.erase("TLS_CERT_FILE");
  world.env.erase("TLS_KEY_FILE");
  EXPECT_THAT(world.codes(), ElementsAre("INVALID_VALUE"));
}

} // namespace
} // namespace foyer::config
