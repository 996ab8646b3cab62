#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/stores.h"
#include "config/load.h"
#include "engine/sql/sqlite_store.h"
#include "store/backup.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer backup FILE [--data DIR] [--config FILE]\n\n"
    "Copies the databases, keys and secrets of a data directory into one tar file, also\n"
    "while a server runs. An existing FILE is replaced once the copy is complete.\n"
    "A restore brings back what was ended after the copy: disabled users, sessions that\n"
    "were logged out, and old passwords.\n\n"
    "  --data DIR     the data directory; by default as `foyer serve` finds it (FOYER_DATA, ./data)\n"
    "  --config FILE  a configuration file that names the data directory\n\n"
    "With PostgreSQL the copy is made by pg_dump; keep STORE_KEY and the data directory's keys too.\n"
    "To restore, stop the server, unpack into an empty directory with `tar -xpf FILE -C DIR`\n"
    "and start with `--data DIR`.\n";

constexpr std::string_view kChatDatabase = "chat.sqlite";

struct Arguments {
  std::string file;
  std::vector<std::string> options; // as for `serve`
  bool help = false;
};

std::optional<Arguments> read(Args args) {
  Arguments read;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--help" || arg == "-h") {
      read.help = true;
    } else if (arg.starts_with("--data=") || arg.starts_with("--config=")) {
      read.options.push_back(arg);
    } else if (arg == "--data" || arg == "--config") {
      if (i + 1 == args.size()) return std::nullopt;
      read.options.push_back(arg + "=" + args[++i]);
    } else if (arg.starts_with("-") || arg.empty() || !read.file.empty()) {
      return std::nullopt;
    } else {
      read.file = arg;
    }
  }
  if (read.file.empty() && !read.help) return std::nullopt;
  return read;
}

int fail(const Refusal& refusal) { return refused_command("backup", refusal); }

} // namespace

int run_backup(Args args) {
  const auto arguments = read(args);
  if (!arguments) {
    fmt::print(stderr, "{}", kUsage);
    return kCouldNotRun;
  }
  if (arguments->help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  const auto loaded = config::load(
      {.args = arguments->options, .environment = config::system_environment(), .read = config::system_files()});
  if (const auto known = knows_its_stores(loaded); !known) return fail(known.error());
  if (uses_postgres(loaded.config))
    return fail(
        {.cause = Cause::BACKUP_ELSEWHERE, .evidence = "DATABASE_URL names PostgreSQL", .field = "DATABASE_URL"});
  const std::string& data = loaded.config.data;
  // A copy that is restored one day lives on beside what the original has said since.
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
      "A restore brings back what is ended from now on: disabled users, sessions that were logged out and old "
      "passwords become valid again (docs/backup.md).\n");
  return 0;
}

} // namespace foyer::cli
