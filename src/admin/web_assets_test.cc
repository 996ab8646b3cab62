#include "admin/web_assets.h"

#include <gmock/gmock.h>

#include <string>

namespace foyer::admin {
namespace {

TEST(WebAssets, EveryPageHasATypeBytesAndAnEtag) {
  ASSERT_NE(find_web_asset("/"), nullptr);
  for (const auto& asset : web_assets()) {
    EXPECT_TRUE(asset.path.starts_with('/')) << asset.path;
    EXPECT_FALSE(asset.content_type.empty()) << asset.path;
    EXPECT_FALSE(asset.bytes.empty()) << asset.path;
    EXPECT_THAT(std::string(asset.etag), testing::MatchesRegex("\"[0-9a-f]+\"")) << asset.path;
    EXPECT_FALSE(asset.path.ends_with(".test.mjs")) << asset.path;
  }
  EXPECT_EQ(find_web_asset("/no-such-page"), nullptr);
}

TEST(WebAssets, APageHasNothingThatItsPolicyForbids) {
  for (const auto& asset : web_assets()) {
    if (!asset.content_type.starts_with("text/html")) continue;
    const std::string page(asset.bytes);
    EXPECT_EQ(page.find("<style"), std::string::npos) << asset.path;
    EXPECT_EQ(page.find(" style="), std::string::npos) << asset.path;
    EXPECT_EQ(page.find(" onclick="), std::string::npos) << asset.path;
    EXPECT_EQ(page.find("http://"), std::string::npos) << asset.path;
    EXPECT_EQ(page.find("https://"), std::string::npos) << asset.path;
  }
}

TEST(FillTemplate, EscapesValuesAndDropsSectionsWithoutOne) {
  EXPECT_EQ(fill_template("<b>{{code}}</b>{{#http}} {{http}}{{/http}}{{#close}} {{close}}{{/close}}!",
                {{"code", "<A&\"B'>"}, {"http", "401"}, {"close", ""}}),
      "<b>&lt;A&amp;&quot;B&#39;&gt;</b> 401!");
}

TEST(FillTemplate, LeavesTextWithoutAClosingMarkAsItIs) {
  EXPECT_EQ(fill_template("a {{b", {{"b", "c"}}), "a {{b");
  EXPECT_EQ(fill_template("{{unknown}}", {}), "");
}

} // namespace
TEST(Template, WhatStandsBetweenBackQuotesIsCode) {
  EXPECT_EQ(fill_template("{{a}}", {{"a", "run `foyer why <REF>` now"}}), "run <code>foyer why &lt;REF&gt;</code> now");
  EXPECT_EQ(fill_template("{{a}}", {{"a", "one ` alone"}}), "one ` alone");
}

} // namespace foyer::admin
