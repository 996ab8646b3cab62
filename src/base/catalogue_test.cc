#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/cause.h"
#include "base/cause_page.h"

namespace foyer {
namespace {

bool is_sentence(std::string_view text) { return text.ends_with('.') || text.ends_with("\"."); }

TEST(Catalogue, EveryCauseHasEveryText) {
  for (const auto& cause : all_causes()) {
    SCOPED_TRACE(cause.code);
    EXPECT_GE(cause.client.size(), 15U);
    EXPECT_GE(cause.operator_text.size(), 25U);
    EXPECT_GE(cause.next.size(), 10U);
    EXPECT_TRUE(is_sentence(cause.client)) << cause.client;
    EXPECT_TRUE(is_sentence(cause.operator_text)) << cause.operator_text;
    EXPECT_FALSE(cause.next.empty());
    EXPECT_LE(cause.client.size(), 120U) << "the client's text is one short sentence";
    EXPECT_FALSE(to_string(cause.step).empty());
  }
}

TEST(Catalogue, TheClientsTextNamesNoOptionAndNoSecret) {
  for (const auto& cause : all_causes())
    for (const std::string_view word : {"SECRET", "JWT_", "_URL", "openssl", "DATA/", "--"})
      EXPECT_EQ(cause.client.find(word), std::string_view::npos) << cause.code << ": " << cause.client;
}

TEST(Catalogue, CodesAreUniqueAndFound) {
  std::set<std::string_view> seen;
  for (const auto& cause : all_causes()) {
    EXPECT_TRUE(seen.insert(cause.code).second) << cause.code;
    EXPECT_EQ(find_cause(cause.code), cause.cause);
    EXPECT_EQ(&info(cause.cause), &cause);
  }
  EXPECT_EQ(find_cause("SOMETHING_WENT_WRONG"), std::nullopt);
  EXPECT_EQ(find_cause(""), std::nullopt);
}

TEST(Catalogue, CloseCodesMirrorTheStatus) {
  for (const auto& cause : all_causes()) {
    SCOPED_TRACE(cause.code);
    if (cause.step == Step::configuration) {
      EXPECT_EQ(cause.http, 0);
      EXPECT_EQ(cause.close, 0);
      EXPECT_EQ(cause.who, Who::operator_);
      continue;
    }
    EXPECT_TRUE(cause.http != 0 || cause.close != 0) << "never sent";
    if (cause.http != 0) {
      EXPECT_TRUE(cause.http >= 400 && cause.http < 600);
    }
    if (cause.step == Step::service_identity) {
      EXPECT_EQ(cause.http, 503);
      EXPECT_EQ(cause.close, 4500) << "our fault";
    } else if (cause.http != 0 && cause.close != 0) {
      EXPECT_EQ(cause.close, 4000 + cause.http);
    }
    if (cause.close != 0) {
      EXPECT_TRUE((cause.close >= 1001 && cause.close <= 1009) || (cause.close >= 4400 && cause.close <= 4503));
    }
  }
}

TEST(Catalogue, OverloadAndOutageMayBeRetriedAndRejectionMayNot) {
  for (const auto& cause : all_causes()) {
    SCOPED_TRACE(cause.code);
    if (cause.http == 503 || cause.http == 429) {
      EXPECT_TRUE(cause.retry == Retry::after || cause.cause == Cause::ROOM_LIMIT ||
          cause.cause == Cause::INVITATION_LIMIT || cause.cause == Cause::STORE_TOO_NEW);
    }
    if (cause.http == 403 || cause.http == 404 || cause.http == 400) {
      EXPECT_EQ(cause.retry, Retry::never);
    }
    if (cause.retry == Retry::refresh) {
      EXPECT_TRUE(cause.http == 401 || cause.close == 4408);
    }
  }
}

TEST(Catalogue, ReasonsFitAWebSocketCloseFrame) {
  for (const auto& cause : all_causes()) EXPECT_LE(cause.code.size() + 1 + 43, 123U) << cause.code;
}

TEST(CausePage, SaysAllFieldsAsJson) {
  const auto object = cause_to_json(info(Cause::TOKEN_EXPIRED));
  EXPECT_EQ(json::get_string(object, "code"), "TOKEN_EXPIRED");
  EXPECT_EQ(json::get_string(object, "step"), "credential_valid");
  EXPECT_EQ(object.at("http"), 401);
  EXPECT_EQ(object.at("close"), 4401);
  EXPECT_EQ(json::get_string(object, "retry"), "refresh");
  EXPECT_EQ(json::get_string(object, "who"), "client");
  for (const char* name : {"client", "operator", "next"}) EXPECT_FALSE(json::get_string(object, name)->empty());
  EXPECT_EQ(object.size(), 9U);
}

TEST(CausePage, SuggestsTheNearestCodes) {
  EXPECT_EQ(nearest_codes("TOKEN_EXPIERD").front(), "TOKEN_EXPIRED");
  EXPECT_EQ(nearest_codes("token-expired").front(), "TOKEN_EXPIRED");
  EXPECT_EQ(nearest_codes("ORIGIN").size(), 2U);
  EXPECT_EQ(nearest_codes("EXPIRED_TOKEN").front(), "TOKEN_EXPIRED");
  EXPECT_EQ(nearest_codes("LISTEN_IN_USE").front(), "LISTEN_ADDRESS_IN_USE");
  EXPECT_TRUE(nearest_codes("XYZZY_PLUGH_XYZZY").empty());
  EXPECT_TRUE(nearest_codes(std::string(100'000, 'A')).empty());
}

TEST(CausePage, TheCommittedPageIsTheCatalogue) {
  std::ifstream in(FOYER_SOURCE_DIR "/docs/causes.md", std::ios::binary);
  std::stringstream committed;
  committed << in.rdbuf();
  EXPECT_TRUE(committed.str() == causes_markdown()) << "docs/causes.md is out of date: run tools/generate-docs";
}

} // namespace
} // namespace foyer
