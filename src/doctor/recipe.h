// What to write into the configuration of a product, to paste. The rows are in recipes.def and nowhere else;
// docs/findings.md prints them.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "doctor/finding.h"
#include "doctor/product.h"

namespace foyer::doctor {

struct Recipe {
  Topic topic;
  Product product;
  std::string_view text; // whole lines, each ended by a line feed
};

[[nodiscard]] std::span<const Recipe> all_recipes();
[[nodiscard]] std::optional<Recipe> find_recipe(Topic topic, Product product);
[[nodiscard]] std::string_view title_of(Topic topic); // "To pass upgrades on"

} // namespace foyer::doctor
