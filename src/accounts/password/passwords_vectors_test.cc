// The Argon2 vectors of RFC 9106 §5, and our own hashes as computed by another implementation.
#include <argon2.h>
#include <gtest/gtest.h>

#include <array>

#include "accounts/password/passwords.h"
#include "base/bytes.h"

namespace foyer::accounts {
namespace {

// §5: password, salt, secret and associated data are 32, 16, 8 and 12 octets of one value each.
std::string tag_of(argon2_type type) {
  std::array<std::uint8_t, 32> tag{};
  std::array<std::uint8_t, 32> password{};
  std::array<std::uint8_t, 16> salt{};
  std::array<std::uint8_t, 8> secret{};
  std::array<std::uint8_t, 12> associated{};
  password.fill(1);
  salt.fill(2);
  secret.fill(3);
  associated.fill(4);
  argon2_context context{};
  context.out = tag.data();
  context.outlen = tag.size();
  context.pwd = password.data();
  context.pwdlen = password.size();
  context.salt = salt.data();
  context.saltlen = salt.size();
  context.secret = secret.data();
  context.secretlen = secret.size();
  context.ad = associated.data();
  context.adlen = associated.size();
  context.t_cost = 3;
  context.m_cost = 32;
  context.lanes = 4;
  context.threads = 4;
  context.version = ARGON2_VERSION_13;
  if (argon2_ctx(&context, type) != ARGON2_OK) return "refused";
  return hex_encode({reinterpret_cast<const char*>(tag.data()), tag.size()});
}

TEST(Rfc9106, Section5_1_Argon2d) {
  EXPECT_EQ(tag_of(Argon2_d), "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb");
}
TEST(Rfc9106, Section5_2_Argon2i) {
  EXPECT_EQ(tag_of(Argon2_i), "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8");
}
TEST(Rfc9106, Section5_3_Argon2id) {
  EXPECT_EQ(tag_of(Argon2_id), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

// Entropy that gives 00 01 02 …, so that a whole PHC string can be written down.
class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = static_cast<std::byte>(next_++);
  }

 private:
  unsigned next_ = 0;
};

struct Printed {
  HashCost cost;
  std::string_view password;
  std::string_view phc;
};
// Computed with OpenSSL's Argon2, which shares no code with libargon2. The first is our
// default; then the other costs of OWASP, and the second choice of RFC 9106 §4.
constexpr Printed kPrinted[] = {
    {{}, "correct horse battery staple",
        "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU"},
    {{}, "", "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$MVSMP3rBIzE7F86FWHKNemRnE6hkgY2O2buZdxt7Gkw"},
    {{}, "päßwörtчи",
        "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$pn/wpK025r/Aj3PtNBBS6sz+XOxQwjTzMLvzZ5+JpM8"},
    {{.memory_kib = 12288, .passes = 3}, "correct horse battery staple",
        "$argon2id$v=19$m=12288,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$zCibVAF529as+ScNsZ6sL/H9D4iI00ajMEqLvRaQY2E"},
    {{.memory_kib = 7168, .passes = 5}, "correct horse battery staple",
        "$argon2id$v=19$m=7168,t=5,p=1$AAECAwQFBgcICQoLDA0ODw$8cZyfmGLYgTYc8avb2ZXWqFShr92bklhQdS/tplOl9k"},
    {{.memory_kib = 47104, .passes = 1}, "correct horse battery staple",
        "$argon2id$v=19$m=47104,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$/coCT64XsUMXXk5yW5NB+70Xaq931514xE0oAH17Eac"},
    {{.memory_kib = 65536, .passes = 3, .lanes = 4}, "correct horse battery staple",
        "$argon2id$v=19$m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw$hTsnKkTbFCHAKWJmmlXrCZTzyrOF7RxMeSU+7hm6tJ4"},
};

TEST(Rfc9106, OurHashesAreThoseOfAnotherImplementation) {
  for (const auto& printed : kPrinted) {
    CountingEntropy entropy;
    EXPECT_EQ(hash_password(printed.password, printed.cost, entropy), printed.phc);
  }
}

TEST(Rfc9106, AnotherImplementationsHashesAreVerified) {
  for (const auto& printed : kPrinted) {
    EXPECT_EQ(verify_password(printed.password, printed.phc, printed.cost), PasswordMatch::yes) << printed.phc;
    EXPECT_EQ(cost_of(printed.phc), printed.cost) << printed.phc;
  }
  EXPECT_EQ(verify_password("correct horse battery stapld", kPrinted[0].phc, {}), PasswordMatch::no);
  EXPECT_EQ(verify_password("correct horse battery staple", kPrinted[1].phc, {}), PasswordMatch::no)
      << "the hash of the empty password";
}

TEST(Rfc9106, NothingOfAHashMayBeChanged) {
  const std::string phc{kPrinted[4].phc}; // the cheapest
  const auto with = [&](std::string_view part, std::string_view other) {
    auto changed = phc;
    return changed.replace(changed.find(part), part.size(), other);
  };
  for (const auto& changed : {with("m=7168", "m=7169"), with("t=5", "t=4"), with("AAECAw", "AAECBA"),
           with("8cZy", "8cZz"), with("tplOl9k", "tplOl8k"), with("argon2id", "argon2i"), with("v=19", "v=16")})
    EXPECT_EQ(verify_password(kPrinted[4].password, changed, kPrinted[4].cost), PasswordMatch::no) << changed;
}

} // namespace
} // namespace foyer::accounts
