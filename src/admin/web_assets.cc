#include "admin/web_assets.h"

#include <algorithm>

namespace foyer::admin {
namespace {

// Text between back quotes is a command or code: <code>.
void append_escaped(std::string& out, std::string_view text) {
  bool code = false;
  for (std::size_t i = 0; i < text.size(); ++i) switch (const char c = text[i]) {
      case '`':
        if (!code && text.find('`', i + 1) == std::string_view::npos) {
          out += c;
          break;
        }
        out += code ? "</code>" : "<code>";
        code = !code;
        break;
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
}

} // namespace

const WebAsset* find_web_asset(std::string_view path) {
  const auto assets = web_assets();
  const auto found = std::ranges::find(assets, path, &WebAsset::path);
  return found == assets.end() ? nullptr : &*found;
}

std::string fill_template(std::string_view text, std::initializer_list<TemplateValue> values) {
  const auto value_of = [&](std::string_view name) -> std::string_view {
    for (const auto& [key, value] : values)
      if (key == name) return value;
    return {};
  };
  std::string out;
  out.reserve(text.size() + 512);
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    const std::size_t close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) break;
    out += text.substr(0, open);
    std::string_view name = text.substr(open + 2, close - open - 2);
    text.remove_prefix(close + 2);
    if (name.starts_with('#')) {
      name.remove_prefix(1);
      if (!value_of(name).empty()) continue;
      const std::string end = "{{/" + std::string(name) + "}}";
      const std::size_t at = text.find(end);
      text.remove_prefix(at == std::string_view::npos ? text.size() : at + end.size());
    } else if (!name.starts_with('/')) {
      append_escaped(out, value_of(name));
    }
  }
  out += text;
  return out;
}

} // namespace foyer::admin
