#include <fmt/format.h>

#include <expected>
#include <string>

#include "app/stores.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "cli/command_line.h"
#include "config/load.h"
#include "engine/sql/sqlite_store.h"
#include "store/backup.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer backup FILE [--data DIR] [--config FILE]\n\n"
    "Copies the databases, keys and secrets in a data directory to one tar file, also\n"
    "while a server runs. An existing FILE is replaced once the copy is complete.\n"
    "A restore also restores what was ended after the copy: disabled users, sessions that\n"
    "were logged out, and old passwords.\n\n"
    "  --data DIR     the data directory; default as for `foyer serve` (FOYER_DATA, ./data)\n"
    "  --config FILE  a configuration file that names the data directory\n\n"
    "With PostgreSQL, use pg_dump instead; store STORE_KEY and the data directory's keys as well.\n"
    "To restore, stop the server, unpack into an empty directory with `tar -xpf FILE -C DIR`\n"
    "and start with `--data DIR`.\n";

constexpr std::string_view kChatDatabase = "chat.sqlite";

constexpr std::string_view kOptions[] = {"--data", "--config", "--dev", "--help"};

struct Arguments : PlaceArguments {
  std::string file;
};

// The error describes the fault in the arguments.
std::expected<Arguments, std::string> read(Args args) {
  Arguments out;
  const auto none = [](const std::string&, std::size_t) -> std::expected<bool, std::string> { return false; };
  auto words = words_of(args, out, kOptions, false, none);
  if (!words) return std::unexpected(words.error());
  if (out.help) return out;
  if (words->size() != 1 || words->front().empty()) return std::unexpected("exactly one FILE is required");
  out.file = std::move(words->front());
  return out;
}

int fail(const Refusal& refusal) { return refused_command("backup", refusal); }

} // namespace

int run_backup(Args args) {
  const auto arguments = read(args);
  if (const auto status = settled("backup", arguments, kUsage)) return *status;
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  if (const auto known = app::knows_its_stores(loaded); !known) return fail(known.error());
  if (app::uses_postgres(loaded.config))
    return fail(
        {.cause = Cause::BACKUP_ELSEWHERE, .evidence = "DATABASE_URL names PostgreSQL", .field = "DATABASE_URL"});
  const std::string& data = loaded.config.data;
  // The restored copy does not know what happened to the original since.
  const auto mark = [](const std::string& name, const std::string& copy) -> Result<void> {
    if (name != kChatDatabase) return {};
    return engine::mark_as_copy(copy);
  };
  const auto done = store::back_up(data, arguments->file, system_clock(), mark);
  if (!done) return fail(done.error());
  fmt::print("{} of {} copied to {} ({} KiB).\n",
      done->files.size() == 1 ? "1 file" : fmt::format("{} files", done->files.size()), printable(data),
      printable(arguments->file), (done->bytes + 1023) / 1024);
  fmt::print(
      "A restore also restores what is ended from now on: disabled users, sessions that were logged out and old "
      "passwords become valid again (docs/backup.md).\n");
  return 0;
}

} // namespace foyer::cli
