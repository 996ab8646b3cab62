// URLs of databases: what we take, libpq takes, and no password is shown.
#include <libpq-fe.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/values.h"
#include "fuzz.h"

using namespace foyer::config;

namespace {

constexpr std::string_view kMark = "SECRETMARK"; // stands for a password in the inputs

std::size_t count_marks(std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find(kMark); at != std::string_view::npos; at = text.find(kMark, at + 1)) ++count;
  return count;
}

using Parts = std::map<std::string, std::string>;

std::optional<Parts> as_libpq_reads(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), &error), PQconninfoFree);
  if (error != nullptr) PQfreemem(error);
  if (!options) return std::nullopt;
  Parts out;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) out[option->keyword] = option->val;
  return out;
}

} // namespace

FUZZER(database_url) {
  const std::string shown = without_password(input);
  invariant(without_password(shown) == shown, "what is hidden stays hidden");
  if (!is_database(input) || input == "sqlite") return;
  invariant(is_postgres(input), "a database is sqlite or PostgreSQL");
  const auto meant = as_libpq_reads(std::string(input));
  if (!meant) return; // a keyword that libpq does not know: told at start
  // What is shown may hide more than passwords; it shows none of them.
  std::size_t in_passwords = 0;
  for (const auto& [keyword, value] : *meant)
    if (keyword.ends_with("password")) in_passwords += count_marks(value);
  invariant(in_passwords != count_marks(input) || count_marks(shown) == 0, "nothing of a password is shown");
  const auto told = as_libpq_reads(shown);
  if (!told) return;
  for (const auto& [keyword, value] : *told)
    if (keyword.ends_with("password")) invariant(value.empty() || value == "***", "a password is not shown");
}
