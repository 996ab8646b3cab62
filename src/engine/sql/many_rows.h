// A statement for several rows at once. Only a few numbers of rows are prepared, repeatedly.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace foyer::engine {

struct ManyRows {
  std::size_t rows;
  std::string sql;
};

[[nodiscard]] inline std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out.append(i == 0 ? "" : ", ").append(text);
  return out;
}

// The statements for all numbers of rows that are prepared, longest first; the last has one row. `sql_of` makes the
// statement for a number of rows.
template <class SqlOf>
[[nodiscard]] std::vector<ManyRows> prepared_numbers(SqlOf sql_of) {
  std::vector<ManyRows> list;
  for (const std::size_t rows : {100, 10, 1}) list.push_back({rows, sql_of(rows)});
  return list;
}

// The longest statement of `prepared_numbers` for at most that many rows.
[[nodiscard]] inline const ManyRows& largest(const std::vector<ManyRows>& list, std::size_t rows) {
  return *std::ranges::find_if(list, [rows](const ManyRows& one) { return one.rows <= rows; });
}

} // namespace foyer::engine
