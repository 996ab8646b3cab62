// Keys in PEM: the forms that are read, and a text that helps for those that are not.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>

#include "jose/testing/keys.h"
#include "jose/testing/token_world.h"

namespace foyer::jose {
namespace {

using namespace testing;

// The key of kP256Pem in the older form, with its curve spelt out, and its public part as a compressed point.
constexpr std::string_view kOldEcPem = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIKi3UIz2EjbyT6e27PkGqGOy8PCe+a8N2DOZznhApXekoAoGCCqGSM49
AwEHoUQDQgAEsvVqmc0ztLsGuHDz7Wfr5V0mmVSBkyrhmEUrxWk8+/aWDNNF/r4P
0aQJWFoPHyyDp/SGUQt1+3tn/4JFzNqfLQ==
-----END EC PRIVATE KEY-----
)";
constexpr std::string_view kExplicitEcPem = R"(-----BEGIN PRIVATE KEY-----
MIIBeQIBADCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAAB
AAAAAAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA
///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMV
AMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg
9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8A
AAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBBG0wawIBAQQgqLdQjPYSNvJP
p7bs+QaoY7Lw8J75rw3YM5nOeECld6ShRANCAASy9WqZzTO0uwa4cPPtZ+vlXSaZ
VIGTKuGYRSvFaTz79pYM00X+vg/RpAlYWg8fLIOn9IZRC3X7e2f/gkXM2p8t
-----END PRIVATE KEY-----
)";
constexpr std::string_view kCompressedEcPem = R"(-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADsvVqmc0ztLsGuHDz7Wfr5V0mmVSB
kyrhmEUrxWk8+/Y=
-----END PUBLIC KEY-----
)";
// Keys of kinds and sizes that are not for tokens.
constexpr std::string_view kOtherCurvePem = R"(-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQg9grirR2K/GqduV6gSEdG
Z0xlSh+aHxtOs+GdmcHkTS2hRANCAAQtg+1+6lptIq5gAul+4YnXbGyAg4sbc6NV
YP8mKtpkNLZ8qGoaxVpq48CERSYv8h80JKHhMqamB9BV/uFlIb0P
-----END PRIVATE KEY-----
)";
constexpr std::string_view kEd448Pem = R"(-----BEGIN PRIVATE KEY-----
MEcCAQAwBQYDK2VxBDsEOQq+z9o2CWs4FDuBiJTX9gQ8JMojwsI/OrY6gl81Iz6Y
ak19VsVCxnqxdvZyh/hRAi8AveJwdGJqoQ==
-----END PRIVATE KEY-----
)";
constexpr std::string_view kPssOnlyPem = R"(-----BEGIN PUBLIC KEY-----
MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBANuE1Bgs1iy6t42dqN96DLpM
nbJc+L7GwVq7mn0VjakotWrab+Hd2QVJYyRLRy5zPvD0nDdvjhmE+bmJVMDdFWMJ
FGUEwp16w+mQtRdFe1Ts60sPyBznRivGLmeq1UiIev/HJp/DETKO/A66ahrz5REm
q4EyisZfTCf1zncJiPJRGRsDUfT67eOn74PjCr8Hf9CjrU7jhTP+Y37sF8dzVM/4
WqzpAqlFHLkJy0txWfhwzSz6Fg5zPIK0r9wnWlGA+EzgxtFwG/SZCmfnrmkr+r4p
U7FQ7rrewFYJh+FNRjLuxUdIbhwXJAIhYl99y9H8fChTHRYVcOhXf9keHIZ37FcC
AwEAAQ==
-----END PUBLIC KEY-----
)";
constexpr std::string_view kShortRsaPem = R"(-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDq/hb9BP3KH819/M3K2MksAGT/
51EBaae6SSoiA6cokspbwnVn8tdSiHjXw7nY0qYqsHb9BMC75CxGZpa3/VKKz3V/
Nl1oiVxR+flIwG9pkw6Ewcym+d1sejH4Bo3Daby2mZwBUx30HbJjP4yz3fJzGLhv
BKkr5D9kxIdjyLI6sQIDAQAB
-----END PUBLIC KEY-----
)";

std::string der_of(std::string_view pem) {
  const auto begin = pem.find('\n') + 1;
  std::string base64;
  for (const char c : pem.substr(begin, pem.find("-----END") - begin))
    if (c != '\n') base64 += c;
  return *base64_decode(base64);
}
std::string pem_of(const std::string& label, std::string_view der) {
  return "-----BEGIN " + label + "-----\n" + base64_encode(der) + "\n-----END " + label + "-----\n";
}

std::string code(const Result<Key>& key) { return key ? "ok" : std::string{key.error().code()}; }
std::string why(const Result<Key>& key) { return key ? "ok" : key.error().evidence; }
bool says(const Result<Key>& key, std::string_view what) {
  return !key && key.error().evidence.find(what) != std::string::npos;
}

TEST(Pem, EveryFormOfAKeyIsTheSameKey) {
  const auto rsa = *Key::parse_pem(kRsaPem);
  const auto ec = *Key::parse_pem(kP256Pem);
  const std::string old_rsa = pem_of("RSA PRIVATE KEY", der_of(kRsaPem).substr(26));
  const std::string old_public_rsa = pem_of("RSA PUBLIC KEY", der_of(rsa.public_part().to_pem()).substr(24));
  for (const auto& pem : {std::string{kRsaPem}, old_rsa, old_public_rsa, rsa.public_part().to_pem(), rsa.to_pem()}) {
    const auto key = Key::parse_pem(pem);
    ASSERT_TRUE(key) << why(key);
    EXPECT_EQ(key->thumbprint(), rsa.thumbprint());
    EXPECT_EQ(key->can_sign(), pem.find("PRIVATE") != std::string::npos);
    EXPECT_TRUE(key->is_open());
  }
  const std::string with_parameters =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + std::string{kOldEcPem};
  for (const auto& pem : {std::string{kP256Pem}, std::string{kOldEcPem}, with_parameters, std::string{kCompressedEcPem},
           ec.public_part().to_pem()}) {
    const auto key = Key::parse_pem(pem);
    ASSERT_TRUE(key) << why(key);
    EXPECT_EQ(key->thumbprint(), ec.thumbprint());
    EXPECT_EQ(key->algorithm(), Algorithm::es256);
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Pem, WhiteSpaceAroundAndLineEndsOfWindowsAreNothing) {
  const std::string pem = ed25519_key().to_pem();
  std::string windows;
  for (const char c : pem) windows += c == '\n' ? std::string{"\r\n"} : std::string{c};
  for (const auto& text : {pem, windows, "\n\n " + pem + " \n\t\r\n", pem.substr(0, pem.size() - 1)})
    EXPECT_EQ(why(Key::parse_pem(text)), "ok");
}

TEST(Pem, NothingStandsBesideTheBlock) {
  const std::string pem = ed25519_key().to_pem();
  EXPECT_TRUE(says(Key::parse_pem(pem + pem), "second PEM block"));
  EXPECT_TRUE(says(Key::parse_pem(pem + ed25519_key(2).public_part().to_pem()), "second PEM block"));
  EXPECT_TRUE(says(Key::parse_pem(pem + "more"), "text after"));
  EXPECT_TRUE(says(Key::parse_pem(pem + std::string(1, '\0')), "text after"));
  EXPECT_TRUE(says(Key::parse_pem("Bag Attributes\n" + pem), "text before"));
  EXPECT_TRUE(says(Key::parse_pem("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"),
      "not a key for tokens"));
}

TEST(Pem, WhatIsNotReadIsNamedWithAWayToIt) {
  const std::string pem = ed25519_key().to_pem();
  EXPECT_TRUE(says(Key::parse_pem(pem_of("CERTIFICATE", "x")), "openssl x509"));
  EXPECT_TRUE(says(Key::parse_pem(pem_of("TRUSTED CERTIFICATE", "x")), "openssl x509"));
  EXPECT_TRUE(says(Key::parse_pem(pem_of("OPENSSH PRIVATE KEY", "x")), "ssh-keygen"));
  EXPECT_TRUE(says(Key::parse_pem(pem_of("ENCRYPTED PRIVATE KEY", "x")), "password"));
  EXPECT_TRUE(says(Key::parse_pem("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                                  "AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
      "password"));
  EXPECT_TRUE(says(Key::parse_pem(pem_of("DSA PRIVATE KEY", "x")), "DSA PRIVATE KEY"));
  EXPECT_TRUE(says(Key::parse_pem(der_of(pem)), "openssl pkey -inform DER"));
  EXPECT_TRUE(says(Key::parse_pem(""), "no PEM block"));
  EXPECT_TRUE(says(Key::parse_pem("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"), "no PEM block"));
  EXPECT_TRUE(says(Key::parse_pem(pem.substr(0, 40)), "without its last line"));
  EXPECT_TRUE(says(Key::parse_pem("-----BEGIN PRIVATE"), "truncated"));
  EXPECT_TRUE(says(Key::parse_pem(std::string(70'000, ' ')), "64 KiB"));
  EXPECT_TRUE(says(Key::parse_pem("-----BEGIN PUBLIC KEY-----\nA_-A\n-----END PUBLIC KEY-----\n"), "not base64"));
  EXPECT_TRUE(says(Key::parse_pem("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"), "not base64"));
  EXPECT_TRUE(
      says(Key::parse_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "without its last line"));
}

TEST(Pem, TheContentIsOneKeyOfItsLabel) {
  const std::string der = der_of(ed25519_key().to_pem());
  const std::string open = der_of(ed25519_key().public_part().to_pem());
  for (const auto& bad : {pem_of("PRIVATE KEY", der + 'x'), pem_of("PRIVATE KEY", der.substr(0, der.size() - 1)),
           pem_of("PRIVATE KEY", open), pem_of("PUBLIC KEY", der), pem_of("PUBLIC KEY", open + 'x'),
           pem_of("RSA PRIVATE KEY", der_of(kOldEcPem)), pem_of("EC PRIVATE KEY", der_of(kRsaPem).substr(26)),
           pem_of("RSA PUBLIC KEY", open), pem_of("PRIVATE KEY", "\x30")})
    EXPECT_EQ(code(Key::parse_pem(bad)), "KEY_UNREADABLE") << bad;
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Pem, PolicyIsThatOfJwks) {
  EXPECT_EQ(code(Key::parse_pem(kShortRsaPem)), "WEAK_KEY");
  EXPECT_TRUE(says(Key::parse_pem(kExplicitEcPem), "explicit curve parameters"));
  EXPECT_TRUE(says(Key::parse_pem(kOtherCurvePem), "secp256k1"));
  EXPECT_TRUE(says(Key::parse_pem(kEd448Pem), "ED448"));
  EXPECT_TRUE(says(Key::parse_pem(kPssOnlyPem), "PSS"));
  auto broken = der_of(kRsaPem);
  broken[broken.size() - 3] = static_cast<char>(broken[broken.size() - 3] ^ 1);
  EXPECT_EQ(code(Key::parse_pem(pem_of("PRIVATE KEY", broken))), "KEY_UNREADABLE")
      << "its last number does not fit the others";
}

} // namespace
} // namespace foyer::jose
