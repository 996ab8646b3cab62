#include "store/postgres_text.h"

#include <gtest/gtest.h>

namespace foyer::store {
namespace {

TEST(PostgresText, QuestionMarksBecomeNumbersOutsideOfQuotesAndComments) {
  const struct {
    const char* ours;
    const char* theirs;
  } table[] = {
      {"SELECT 1", "SELECT 1"},
      {"SELECT ?, ?", "SELECT $1, $2"},
      {"UPDATE r SET n = NULL WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM m WHERE r = ?1) LIMIT ?2",
          "UPDATE r SET n = NULL WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM m WHERE r = $1) LIMIT $2"},
      {"SELECT '?', 'it''s ?', \"a?\" -- ?\n, ?", "SELECT '?', 'it''s ?', \"a?\" -- ?\n, $1"},
      {"SELECT /* ? */ ?", "SELECT /* ? */ $1"},
      {"SELECT 'never closed ?", "SELECT 'never closed ?"},
  };
  for (const auto& row : table) EXPECT_EQ(with_dollars(row.ours), row.theirs);
}

TEST(PostgresText, WhatPostgresqlCannotKeepIsWrittenOtherwiseAndComesBack) {
  const std::string mark = "\xF4\x8F\xBF\xBF";
  for (const std::string& text : {std::string("a\0b", 3), std::string("\0\0", 2), mark, mark + "0",
           mark + "1" + std::string(1, '\0'), std::string("plain"), std::string()}) {
    EXPECT_EQ(escape(text).find('\0'), std::string::npos);
    EXPECT_EQ(unescape(escape(text)), text);
  }
  EXPECT_FALSE(needs_escape("käse 🧀"));
  EXPECT_EQ(unescape("cut " + mark), "cut " + mark) << "not an escape; unchanged";
}

TEST(PostgresText, StatesAreDistinguished) {
  const struct {
    const char* state;
    Cause cause;
  } table[] = {
      {"", Cause::DATABASE_UNREACHABLE},
      {"08006", Cause::DATABASE_UNREACHABLE},
      {"57P01", Cause::DATABASE_UNREACHABLE},
      {"57P02", Cause::DATABASE_UNREACHABLE},
      {"57P03", Cause::DATABASE_UNREACHABLE},
      {"53300", Cause::DATABASE_UNREACHABLE},
      {"57014", Cause::STORE_TIMEOUT},
      {"55P03", Cause::STORE_TIMEOUT},
      {"40001", Cause::STORE_LOCKED},
      {"40P01", Cause::STORE_LOCKED},
      {"26000", Cause::POOLER_UNSUITABLE},
      {"42P05", Cause::POOLER_UNSUITABLE},
      {"53100", Cause::STORE_FULL},
      {"25006", Cause::STORE_READ_ONLY},
      {"23505", Cause::STORE_FAILED},
      {"XX001", Cause::STORE_FAILED},
  };
  for (const auto& row : table) EXPECT_EQ(cause_of_sqlstate(row.state), row.cause) << row.state;
  EXPECT_TRUE(quotes_a_value("22P02"));
  EXPECT_FALSE(quotes_a_value("23505"));
}

} // namespace
} // namespace foyer::store
