// The pages of web/, embedded in the binary.
//
// Serve an asset with its ETag and `Cache-Control: no-cache` (a page and its modules must be of one version). The
// router adds the headers for pages. cause.html is a template: find_web_asset("/cause.html"), then fill_template.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace foyer::admin {

struct WebAsset {
  std::string_view path; // "/" for index.html, else "/NAME"
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag; // quoted, strong (RFC 9110 §8.8.3)
};

[[nodiscard]] std::span<const WebAsset> web_assets();
[[nodiscard]] const WebAsset* find_web_asset(std::string_view path); // null: no such file

// Replaces each {{name}} by its value, escaped for HTML text and attributes; a missing
// name becomes nothing. {{#name}}…{{/name}} is kept only if the value
// is present and not empty.
using TemplateValue = std::pair<std::string_view, std::string_view>;
[[nodiscard]] std::string fill_template(std::string_view text, std::initializer_list<TemplateValue> values);

} // namespace foyer::admin
