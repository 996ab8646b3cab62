// Builds one Config from command line, environment, files and defaults, with the
// source of every value and the faults of single values.
//
// Sources, highest first: command line, environment, NAME_FILE, configuration file
// (TOML, --config FILE), default. preflight.h checks the rules between values.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"
#include "config/options.h"
#include "config/table.h"

namespace foyer::config {

struct FileText {
  std::string bytes;
  std::uint32_t mode = 0600; // permission bits
  bool mounted = false;      // a read-only mount, or a secret of Docker or Kubernetes: its mode is that of the mount
};
// The error is one phrase: "does not exist", "may not be read".
using ReadFile = std::function<std::expected<FileText, std::string>(const std::string& path)>;
[[nodiscard]] ReadFile system_files(); // regular files up to 1 MiB

// A file with a secret that others can read: an error, or a warning if the file is
// mounted into a container.
struct Exposure {
  Severity severity = Severity::error;
  std::string fix;
};
[[nodiscard]] std::optional<Exposure> exposure(const FileText& file, std::string_view path);

using Variables = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Variables system_environment();

struct Inputs {
  std::vector<std::string> args; // of `serve` or `check`, without the command itself
  Variables environment;
  ReadFile read;
};

struct Source {
  enum class Kind : std::uint8_t {
    default_,
    toml,
    value_file,
    environment,
    command_line,
    generated
  } kind = Kind::default_;
  std::string text = "default"; // "environment SERVICE_SECRET", "foyer.toml line 3 column 1", …
};

// Where an entry of a list of tables was written.
struct EntrySource {
  std::string text; // "foyer.toml line 7 column 1", "environment FOYER_ISSUER, entry 2"
  std::map<std::string, std::string, std::less<>> fields; // of the fields that were set
  std::vector<std::string> broken;                        // set, but with an invalid value
};

struct Loaded {
  Config config;
  std::vector<Finding> findings;                                        // of loading only; preflight() adds its own
  std::map<std::string, Source, std::less<>> sources;                   // of the options that were set
  std::map<std::string, std::vector<EntrySource>, std::less<>> entries; // of the options that are lists of tables
  std::vector<std::string> broken;              // set, but with an invalid value, or under a mistyped name
  bool environment_given = false;               // and valid
  std::optional<Environment> environment_meant; // of a misspelt one, if it can be guessed
  std::string config_file;                      // empty: none
  bool config_file_lost = false;                // it was named and cannot be read: unset options may be in it

  [[nodiscard]] bool given(std::string_view option) const { return sources.contains(option); }
  [[nodiscard]] bool is_broken(std::string_view option) const;
  [[nodiscard]] Source source_of(std::string_view option) const;
};

[[nodiscard]] Loaded load(const Inputs& inputs);

// A finding about `option`, with its variable and source filled in and the catalogue's next step as fix.
[[nodiscard]] Finding finding_about(
    const Loaded& loaded, Cause code, std::string_view option, std::string message, std::string fix = {});

// The same about a field of an entry, counted from 0.
[[nodiscard]] Finding finding_about_entry(const Loaded& loaded, Cause code, const Option& option, std::size_t entry,
    std::string_view field, std::string message, std::string fix = {});

} // namespace foyer::config
