#include "accounts/password/passwords.h"

#include <gtest/gtest.h>

#include "accounts/model/names.h"

namespace foyer::accounts {
namespace {

constexpr HashCost kCheap{.memory_kib = 8, .passes = 1, .lanes = 1};

Cause cause_of_password(std::string_view password, std::string_view name = "alice") {
  return check_new_password(password, name).error().cause;
}

TEST(Passwords, EightCharactersAreEnoughWhateverTheyAre) {
  EXPECT_TRUE(check_new_password("qzxjvkwp", "alice"));
  EXPECT_TRUE(check_new_password("päßwörtчи", "alice"));
  EXPECT_TRUE(check_new_password("a quiet place by the sea", "alice"));
  EXPECT_TRUE(check_new_password(std::string(1024, 'x'), "alice"));
}

TEST(Passwords, ShortLongAndCommonOnesAreRefused) {
  EXPECT_EQ(cause_of_password("qzxjvkw"), Cause::PASSWORD_TOO_SHORT);
  EXPECT_EQ(cause_of_password("äöüäöü"), Cause::PASSWORD_TOO_SHORT); // 12 bytes, 6 characters
  EXPECT_EQ(cause_of_password(""), Cause::PASSWORD_TOO_SHORT);
  EXPECT_EQ(cause_of_password(std::string(1025, 'x')), Cause::PASSWORD_TOO_LONG);
  for (const auto* common :
      {"password", "12345678", "PassWord123", "qwertyuiop", "letmein123", "iloveyou", "zxcvbnm123", "00000000"})
    EXPECT_EQ(cause_of_password(common), Cause::PASSWORD_COMMON) << common;
  EXPECT_EQ(cause_of_password("Alice-of-Kent", "alice-of-kent"), Cause::PASSWORD_COMMON);
  EXPECT_EQ(check_new_password("short", "alice", 8, "new_password").error().field, "new_password");
}

TEST(Passwords, AHashIsAPhcStringThatVerifiesItsPasswordOnly) {
  FixedEntropy entropy;
  const std::string phc = hash_password("correct horse", kCheap, entropy);
  EXPECT_TRUE(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$")) << phc;
  EXPECT_EQ(verify_password("correct horse", phc, kCheap), PasswordMatch::yes);
  EXPECT_EQ(verify_password("correct Horse", phc, kCheap), PasswordMatch::no);
  EXPECT_EQ(verify_password("", phc, kCheap), PasswordMatch::no);
  EXPECT_NE(hash_password("correct horse", kCheap, entropy), phc);
}

TEST(Passwords, AHashMadeByTheReferenceProgramIsVerified) {
  // argon2 somesalt -id -t 2 -k 256 -p 1, password "password" (the vectors of phc-winner-argon2's test.c)
  const std::string phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  EXPECT_EQ(verify_password("password", phc, kCheap), PasswordMatch::yes);
  EXPECT_EQ(verify_password("passwore", phc, kCheap), PasswordMatch::no);
}

TEST(Passwords, AHashWeakerThanWantedIsStale) {
  FixedEntropy entropy;
  const std::string phc = hash_password("correct horse", kCheap, entropy);
  EXPECT_EQ(
      verify_password("correct horse", phc, {.memory_kib = 16, .passes = 1, .lanes = 1}), PasswordMatch::yes_and_stale);
  EXPECT_EQ(verify_password("wrong horse", phc, {.memory_kib = 16, .passes = 1, .lanes = 1}), PasswordMatch::no);
  EXPECT_EQ(verify_password("correct horse", phc, {.memory_kib = 8, .passes = 1, .lanes = 1}), PasswordMatch::yes);
}

TEST(Passwords, WhatIsNotOursOrOutOfBoundsMatchesNothing) {
  for (const auto* phc : {"", "$argon2id$", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
           "$argon2id$v=16$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
           "$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
           "$argon2id$v=19$m=8,t=999,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
           "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$", "$argon2id$v=19$m=8,t=1,p=1$!!$AAAAAAAAAAAAAAAAAAAAAA",
           "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}) {
    EXPECT_EQ(verify_password("password", phc, kCheap), PasswordMatch::no) << phc;
    EXPECT_FALSE(cost_of(phc)) << phc;
  }
}

TEST(Names, ANameIsOneToSixtyFourPlainCharacters) {
  for (const auto* good : {"a", "alice", "Alice.B-C_9", "alice@example.org", "7of9"})
    EXPECT_TRUE(check_name(good)) << good;
  EXPECT_TRUE(check_name(std::string(64, 'a')));
  for (const auto* bad :
      {"", " alice", "al ice", "alice\n", ".alice", "-", "@alice", "älice", "al:ice", "al|ice", "al/ice"}) {
    const auto refused = check_name(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().cause, Cause::NAME_INVALID);
    EXPECT_EQ(refused.error().field, "name");
  }
  EXPECT_FALSE(check_name(std::string(65, 'a')));
  EXPECT_EQ(name_key("AliCe@B"), "alice@b");
}

TEST(Names, AnEmailHasOneAt) {
  EXPECT_TRUE(check_email("alice@example.org"));
  for (const auto* bad : {"alice", "@b", "a@", "a@b@c", "a b@c", "a@b\r"})
    EXPECT_EQ(check_email(bad).error().field, "email") << bad;
  EXPECT_FALSE(check_email(std::string(250, 'a') + "@b.de"));
}

} // namespace
} // namespace foyer::accounts
