// Hashes of other programs: known answers, bounds, and the rehash at the first login.
#include "accounts/password/foreign_hashes.h"

#include <gmock/gmock.h>

#include "accounts/password/passwords.h"
#include "accounts/testing/accounts_world.h"

namespace foyer::accounts {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing_world::World;

struct Known {
  std::string_view what;
  std::string_view password;
  std::string_view hash;
};

constexpr Known kKnown[] = {
    {"bcrypt 2a, crypt_blowfish's own test", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"bcrypt 2b", "correct horse battery staple", "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"},
    {"bcrypt 2y, as PHP writes it", "correct horse battery staple",
        "$2y$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"},
    {"bcrypt of Django", "U*U", "bcrypt$$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"scrypt, RFC 7914 section 12, the second", "password",
        "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/"
        "xCSedmDDaxyevuUqD7m2DYMvfoswGQA"},
    {"scrypt, RFC 7914 section 12, the third", "pleaseletmein",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/"
        "2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw"},
    {"PBKDF2 with SHA-256, passlib's own test", "password",
        "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ"},
    {"PBKDF2 with SHA-512, passlib's own test", "password",
        "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/"
        "RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww"},
    {"PBKDF2 in PHC form, RFC 7914 section 11 cut at 32 bytes", "Password",
        "$pbkdf2-sha256$i=80000$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1Y"},
    {"PBKDF2 of Django, its own test", "letmein",
        "pbkdf2_sha256$10000$seasalt$FQCNpiZpTb0zub+HBsH6TOwyRxJ19FwvjbweatNmK/Y="},
    {"argon2i of version 16, without saying so", "password",
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"},
    {"argon2i", "password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"},
    {"argon2id of Django", "password",
        "argon2$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
};

TEST(ForeignHashes, KnownAnswersAreVerifiedAndNothingElseIs) {
  for (const auto& known : kKnown) {
    const auto kept = importable_hash(known.hash);
    ASSERT_TRUE(kept) << known.what << kept.error().evidence;
    EXPECT_TRUE(verify_foreign(known.password, *kept)) << known.what;
    EXPECT_FALSE(verify_foreign(std::string{known.password} + "x", *kept)) << known.what;
    EXPECT_FALSE(verify_foreign("", *kept)) << known.what;
    EXPECT_EQ(importable_hash(*kept), *kept) << known.what;
    EXPECT_GT(verification_time(*kept), 0u) << known.what;
  }
}

TEST(ForeignHashes, APasswordWithANulIsNotCutForCrypt) {
  EXPECT_FALSE(
      verify_foreign(std::string_view{"U*U\0x", 5}, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}

TEST(ForeignHashes, APasswordThatIsTooLongTakesItsTimeAndFitsNothing) {
  constexpr std::string_view kOfLongest =
      "$pbkdf2-sha256$10$c2FsdHNhbHRzYWx0c2FsdA$TIY3XHI.JVwHh1zu.gL7SMgRp2QHzUx3RXiK8MLn28M"; // of 1024 a's
  EXPECT_TRUE(verify_foreign(std::string(kMaxPasswordBytes, 'a'), kOfLongest));
  EXPECT_FALSE(verify_foreign(std::string(kMaxPasswordBytes + 1, 'a'), kOfLongest));
}

TEST(ForeignHashes, WhatWouldCostTooMuchIsRefusedWithItsReason) {
  const std::string tail53(53, 'a');
  const std::string salt = "$" + std::string(22, 'A') + "$";
  const std::string tag = std::string(43, 'A');
  const auto why = [](const std::string& hash) {
    const auto refused = importable_hash(hash);
    EXPECT_FALSE(refused) << hash;
    EXPECT_EQ(verification_time(hash), 0u) << hash;
    EXPECT_FALSE(verify_foreign("x", hash)) << hash;
    if (refused) return std::string{};
    EXPECT_EQ(refused.error().cause, Cause::HASH_UNSUPPORTED);
    EXPECT_EQ(refused.error().field, "hash");
    return refused.error().evidence;
  };
  EXPECT_THAT(why("$2b$15$" + tail53), HasSubstr("cost 15"));
  EXPECT_THAT(why("$2b$03$" + tail53), HasSubstr("cost 3"));
  EXPECT_THAT(why("$2x$05$" + tail53), HasSubstr("2a, 2b or 2y"));
  EXPECT_THAT(why("$scrypt$ln=19,r=8,p=1" + salt + tag), HasSubstr("512 MiB"));
  EXPECT_THAT(why("$scrypt$ln=16,r=8,p=64" + salt + tag), HasSubstr("ms of a core"));
  EXPECT_THAT(why("$scrypt$ln=60,r=8,p=1" + salt + tag), HasSubstr("ln=60"));
  EXPECT_THAT(why("$pbkdf2-sha256$90000000" + salt + tag), HasSubstr("ms of a core"));
  EXPECT_THAT(why("$argon2i$v=19$m=300000,t=1,p=1" + salt + tag), HasSubstr("256 MiB"));
  EXPECT_THAT(why("$argon2i$v=19$m=262144,t=20,p=1" + salt + tag), HasSubstr("ms of a core"));
  EXPECT_THAT(why("$argon2id$v=17$m=256,t=1,p=1" + salt + tag), HasSubstr("16 or 19"));
  for (const std::string kind : {"", "plain", "$1$salt$abcdefghijklmnopqrstuv", "$6$salt$abc", "$y$j9T$abc$def",
           "md5$salt$0123456789abcdef", "pbkdf2_sha1$1000$salt$AAAA"})
    EXPECT_THAT(why(kind), HasSubstr("its kind is unknown"));
  for (const std::string& broken :
      std::vector<std::string>{"$2b$05$tooshort", "$2b$5$" + tail53, "$scrypt$ln=10,r=8" + salt + tag,
          "$scrypt$r=8,ln=10,p=1" + salt + tag, "$pbkdf2-sha256$0" + salt + tag, "$pbkdf2-sha256$-1" + salt + tag,
          "$pbkdf2-sha256$1000" + salt + "!!!!", "$pbkdf2-sha256$1000" + salt + "AAAA",
          "$argon2id$v=19$m=256,t=1" + salt + tag, "$argon2id$v=19$m=256,t=1,p=1$AAAA$" + tag})
    EXPECT_THAT(why(broken), HasSubstr("damaged")) << broken;
  EXPECT_THAT(why("$2b$05$" + std::string(600, 'a')), HasSubstr("bytes"));
}

TEST(ForeignHashes, CostsOfDifferentKindsCompare) {
  const auto time = [](std::string_view beginning) { return verification_time(dummy_hash(beginning)); };
  EXPECT_GT(time("$bcrypt$cost=12$"), time("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_GT(time("$argon2id$v=19$m=19456,t=2,p=1$"), time("$bcrypt$cost=08$"));
  EXPECT_GT(time("$scrypt$ln=17,r=8,p=1$"), time("$scrypt$ln=14,r=8,p=1$"));
  EXPECT_GT(time("$pbkdf2-sha512$600000$"), time("$pbkdf2-sha256$600000$"));
  EXPECT_GT(time("pbkdf2_sha256$870000$"), time("$argon2i$m=256,t=2,p=1$"));
  for (const auto* unknown : {"", "$", "$2b$12$abcdefgh", "$bcrypt$cost=99$"})
    EXPECT_EQ(dummy_hash(unknown), "") << unknown;
  for (const auto* known :
      {"$bcrypt$cost=04$", "$scrypt$ln=4,r=1,p=1$", "$pbkdf2-sha512$10$", "$argon2id$v=19$m=8,t=1,p=1$"})
    EXPECT_EQ(verify_password("a quiet place", dummy_hash(known), {}), PasswordMatch::no);
}

TEST(ForeignHashes, APersonKeepsThePasswordAndTheFirstLoginMakesItsHashOurs) {
  World w;
  for (int i = 0; const auto& known : kKnown) {
    const std::string name = "moved" + std::to_string(i++);
    const UserRow user{.id = UserId{"u_" + name},
        .name = name,
        .email = {},
        .password = importable_hash(known.hash).value(),
        .admin = false,
        .disabled = false,
        .created = w.clock.wall()};
    ASSERT_TRUE(w.wait<bool>([&](auto done) {
      w.store->create_user(user, std::nullopt, std::nullopt, {.at = w.clock.wall()}, std::move(done));
    }));
    EXPECT_EQ(w.login(name, "another place").code(), "CREDENTIALS_REJECTED");
    EXPECT_EQ(w.login(name, known.password).status, 200) << known.what;
    const auto row =
        w.wait<std::optional<UserRow>>([&](auto done) { w.store->find_user_by_name(name, std::move(done)); });
    // One of our own kind stays if it is more expensive than ours; all others are replaced.
    const bool dearer = known.hash.starts_with("argon2$argon2id");
    EXPECT_THAT((*row)->password, StartsWith(dearer ? "$argon2id$v=19$m=256,t=2,p=1$" : "$argon2id$v=19$m=8,t=1,p=1$"))
        << known.what;
    EXPECT_EQ(w.login(name, known.password).status, 200) << known.what;
  }
}

TEST(ForeignHashes, TheStoreReturnsEachOfTheirCostsOnce) {
  World w;
  for (int i = 0; const auto* hash : {"$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG",
                      "$2y$04$zbcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"}) {
    const std::string name = "moved" + std::to_string(i++);
    const UserRow user{.id = UserId{"u_" + name},
        .name = name,
        .email = {},
        .password = importable_hash(hash).value(),
        .admin = false,
        .disabled = false,
        .created = w.clock.wall()};
    ASSERT_TRUE(w.wait<bool>([&](auto done) {
      w.store->create_user(user, std::nullopt, std::nullopt, {.at = w.clock.wall()}, std::move(done));
    }));
  }
  const auto costs = w.wait<std::vector<std::string>>([&](auto done) { w.store->password_costs(std::move(done)); });
  EXPECT_THAT(*costs, testing::ElementsAre("$bcrypt$cost=04$"));
}

} // namespace
} // namespace foyer::accounts
