// Rows of words as a text with columns, for a terminal.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace foyer::cluster {

using TableRow = std::vector<std::string>;

// Each row on a line of its own, indented by two blanks, with two blanks between the columns. A character is a byte.
[[nodiscard]] inline std::string table_text(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths;
  for (const TableRow& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const TableRow& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += "  " + row[i] + std::string(widths[i] - row[i].size(), ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

} // namespace foyer::cluster
