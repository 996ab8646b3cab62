#include "cli/user_import.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <istream>

#include "accounts/model/names.h"
#include "accounts/password/foreign_hashes.h"
#include "base/bytes.h"
#include "base/json.h"

namespace foyer::cli {
namespace {

// Up to `limit` bytes of a line are kept; the rest of a longer one is skipped.
bool read_line(std::istream& in, std::string& line, std::size_t limit) {
  line.clear();
  int c = in.get();
  if (c == std::char_traits<char>::eof()) return false;
  for (; c != std::char_traits<char>::eof() && c != '\n'; c = in.get())
    if (line.size() <= limit) line += static_cast<char>(c);
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

} // namespace

Result<accounts::UserRow> read_import_line(std::string_view line, WallTime now, Entropy& entropy) {
  if (line.size() > kMaxImportLine)
    return refuse(Cause::BAD_REQUEST, fmt::format("the line is longer than {} bytes", kMaxImportLine));
  const auto value = json::parse(line, {.bytes = kMaxImportLine, .depth = 2});
  if (!value) return refuse(Cause::BAD_REQUEST, "not JSON: " + value.error());
  if (!value->is_object()) return refuse(Cause::BAD_REQUEST, "not a JSON object");
  const auto& object = value->get_object();
  for (const auto& member : object) {
    const std::string_view name = member.key();
    const bool text = name == "name" || name == "hash" || name == "email";
    const bool flag = name == "admin" || name == "disabled";
    if (!text && !flag) return refuse_field(Cause::BAD_REQUEST, printable(name, 64), "unknown member");
    if (text && !member.value().is_string())
      return refuse_field(Cause::BAD_REQUEST, std::string{name}, "it must be a string");
    if (flag && !member.value().is_bool())
      return refuse_field(Cause::BAD_REQUEST, std::string{name}, "it must be true or false");
  }
  for (const std::string_view needed : {"name", "hash"})
    if (!object.contains(needed)) return refuse_field(Cause::BAD_REQUEST, std::string{needed}, "it is missing");
  const std::string name{*json::get_string(object, "name")};
  const std::string email{json::get_string(object, "email").value_or("")};
  TRY_VOID(accounts::check_name(name));
  if (!email.empty()) TRY_VOID(accounts::check_email(email));
  TRY(hash, accounts::importable_hash(*json::get_string(object, "hash")));
  return accounts::UserRow{.id = UserId{"u_" + entropy.short_id()},
      .name = name,
      .email = email,
      .password = std::move(hash),
      .admin = json::get_bool(object, "admin").value_or(false),
      .disabled = json::get_bool(object, "disabled").value_or(false),
      .created = now};
}

Result<bool> import_users(OfflineAccounts& accounts, const std::string& file, bool json) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return refuse(Cause::FILE_UNREADABLE, printable(file, 128) + " does not exist or is not readable");
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::size_t imported = 0;
  std::size_t number = 0;
  json::Array refused;
  std::string line;
  while (read_line(in, line, kMaxImportLine)) {
    ++number;
    if (blank(line)) continue;
    auto user = read_import_line(line, system_clock().wall(), system_entropy());
    Result<bool> made = true;
    if (user) {
      const accounts::UserRow row = std::move(*user);
      made = accounts.ask<bool>([&row](accounts::AccountStore& s, auto done) {
        s.create_user(row, std::nullopt, std::nullopt, command_audit("user_import", row.id), std::move(done));
      });
    } else {
      made = std::unexpected(std::move(user).error());
    }
    if (made) {
      ++imported;
      continue;
    }
    const Refusal& why = made.error();
    // A refusal by the store as a whole applies to every further line, too.
    if (why.step() == Step::store) return std::unexpected(why);
    if (!json)
      fmt::print("line {}: {}{}: {}\n", number, why.code(), why.field.empty() ? std::string{} : " (" + why.field + ")",
          why.evidence.empty() ? std::string{why.info().client} : why.evidence);
    json::Object one{{"line", number}, {"code", why.code()}, {"detail", why.evidence}};
    if (!why.field.empty()) one["field"] = why.field;
    refused.push_back(std::move(one));
  }
  const bool all = refused.empty();
  if (json)
    fmt::print("{}\n", json::write(json::Object{{"imported", imported}, {"refused", std::move(refused)}}));
  else
    fmt::print("{} imported, {} refused.\n", imported, refused.size());
  return all;
}

} // namespace foyer::cli
