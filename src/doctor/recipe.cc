#include "doctor/recipe.h"

#include <array>

namespace foyer::doctor {
namespace {

constexpr std::array kRecipes = {
#define FOYER_RECIPE(topic_, product_, text_) \
  Recipe{Topic::topic_, Product::product_, std::string_view{text_}.substr(1)},
#include "doctor/recipes.def"
#undef FOYER_RECIPE
};

} // namespace

std::span<const Recipe> all_recipes() { return kRecipes; }

std::optional<Recipe> find_recipe(Topic topic, Product product) {
  for (const auto& recipe : kRecipes)
    if (recipe.topic == topic && recipe.product == product) return recipe;
  return std::nullopt;
}

std::string_view title_of(Topic topic) {
  switch (topic) {
    case Topic::upgrade: return "To pass upgrades on";
    case Topic::idle: return "To keep quiet connections";
    case Topic::header_size: return "To accept larger headers";
    case Topic::certificate: return "To serve the right certificate";
    case Topic::backend: return "To reach the server";
    case Topic::none: break;
  }
  return "";
}

} // namespace foyer::doctor
