// From command line, environment, files and defaults to one Config, with the
// source of every value and everything that is wrong with a single value.
//
// Sources, highest first: command line, environment, NAME_FILE, configuration file
// (TOML, --config FILE), default. What must hold between values is preflight.h's.
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

// A file with a secret that others may use: an error, or a warning where the file is
// mounted into a container that nobody else is in.
struct Exposure {
  Severity severity = Severity::error;
  std::string fix;
};
[[nodiscard]] std::optional<Exposure> exposure(const FileText& file, std::string_view path);

using Variables = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Variables system_environment();

struct Inputs {
  std::vector<std::string> args; // of `serve` or `check`, without the command's name
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

struct Loaded {
  Config config;
  std::vector<Finding> findings;                      // of loading alone; preflight() adds its own
  std::map<std::string, Source, std::less<>> sources; // of the options that were given
  std::vector<std::string> broken; // given, but with a value that could not be taken, or under a mistyped name
  bool environment_given = false;  // and one of the four
  std::optional<Environment> environment_meant; // by a misspelt one, if it can be told
  std::string config_file;                      // empty: none
  bool config_file_lost = false;                // it was named and cannot be read: what is not set may be in it

  [[nodiscard]] bool given(std::string_view option) const { return sources.contains(option); }
  [[nodiscard]] bool is_broken(std::string_view option) const;
  [[nodiscard]] Source source_of(std::string_view option) const;
};

[[nodiscard]] Loaded load(const Inputs& inputs);

// A finding about `option`, with its variable and source filled in and the catalogue's next step as fix.
[[nodiscard]] Finding finding_about(
    const Loaded& loaded, Cause code, std::string_view option, std::string message, std::string fix = {});

} // namespace foyer::config
