#include "cli/user_import.h"

#include <gtest/gtest.h>

namespace foyer::cli {
namespace {

constexpr std::string_view kHash = R"("hash":"$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG")";

Result<accounts::UserRow> read(std::string line) {
  FixedEntropy entropy;
  return read_import_line(line, WallTime{Millis{1'700'000'000'000}}, entropy);
}

TEST(UserImport, ALineIsAUser) {
  const auto user =
      read(R"({"name":"Ann",)" + std::string{kHash} + R"(,"email":"ann@example.org","admin":true,"disabled":true})");
  ASSERT_TRUE(user) << user.error().evidence;
  EXPECT_EQ(user->name, "Ann");
  EXPECT_EQ(user->email, "ann@example.org");
  EXPECT_EQ(user->password, "$bcrypt$cost=04$2b$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG");
  EXPECT_TRUE(user->admin);
  EXPECT_TRUE(user->disabled);
  EXPECT_TRUE(user->id.view().starts_with("u_"));
}

TEST(UserImport, WhatIsWrongWithALineIsNamed) {
  const auto refused = [](std::string line, Cause cause, std::string_view field) {
    const auto user = read(line);
    ASSERT_FALSE(user) << line;
    EXPECT_EQ(user.error().cause, cause) << line;
    EXPECT_EQ(user.error().field, field) << line;
    EXPECT_EQ(user.error().evidence.find("abcdefghijklmnop"), std::string::npos); // no part of a hash is shown
  };
  const std::string hash{kHash};
  refused("ann", Cause::BAD_REQUEST, "");
  refused("[]", Cause::BAD_REQUEST, "");
  refused(R"({"name":"ann"})", Cause::BAD_REQUEST, "hash");
  refused("{" + hash + "}", Cause::BAD_REQUEST, "name");
  refused(R"({"name":"ann",)" + hash + R"(,"role":"boss"})", Cause::BAD_REQUEST, "role");
  refused(R"({"name":"ann",)" + hash + R"(,"admin":"yes"})", Cause::BAD_REQUEST, "admin");
  refused(R"({"name":7,)" + hash + "}", Cause::BAD_REQUEST, "name");
  refused(R"({"name":"a n n",)" + hash + "}", Cause::NAME_INVALID, "name");
  refused(R"({"name":"ann",)" + hash + R"(,"email":"nowhere"})", Cause::BAD_REQUEST, "email");
  refused(R"({"name":"ann","hash":"$2b$15$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"})",
      Cause::HASH_UNSUPPORTED, "hash");
  refused(R"({"name":"ann","hash":")" + std::string(kMaxImportLine, 'x') + R"("})", Cause::BAD_REQUEST, "");
}

} // namespace
} // namespace foyer::cli
