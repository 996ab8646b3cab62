#include "cluster/line.h"

#include <fmt/format.h>

namespace foyer::cluster {

std::string to_text(const Lines& lines) {
  std::string out;
  for (const Line& line : lines) out += fmt::format("  {}: {}\n    {}\n", line.what, line.value, line.means);
  return out;
}

json::Array to_json(const Lines& lines) {
  json::Array out;
  for (const Line& line : lines)
    out.push_back(json::Object{{"what", line.what}, {"value", line.value}, {"means", line.means}});
  return out;
}

} // namespace foyer::cluster
