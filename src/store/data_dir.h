// The data directory: the databases, generated secrets and keys of one
// installation. It belongs to one `serve` at a time and permanently to one
// environment; the other commands open its databases beside a running server.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/refusal.h"
#include "store/file.h"

namespace foyer::store {

class DataDir {
 public:
  // Creates it (0700) if it is absent, and checks that it is writable. DATA_UNWRITABLE, STORE_FULL.
  [[nodiscard]] static Result<DataDir> open(std::string path);
  // For commands that inspect an installation: must exist. DATA_UNWRITABLE.
  [[nodiscard]] static Result<DataDir> existing(std::string path);

  // Whether open(), lock() and claim() would succeed; changes nothing.
  // `environment` empty: not compared.
  [[nodiscard]] static Result<void> examine(const std::string& path, std::string_view environment);

  // For `serve`: held until this object ends. DATA_IN_USE.
  [[nodiscard]] Result<void> lock();
  // Records the environment at the first call; DATA_ENVIRONMENT_MISMATCH if another was recorded.
  [[nodiscard]] Result<void> claim(std::string_view environment);
  [[nodiscard]] std::optional<std::string> environment() const;              // as recorded
  [[nodiscard]] Result<void> belongs_to(std::string_view environment) const; // also if none is recorded yet

  // DATA/foyer.json: where the running server listens. Present while it serves.
  [[nodiscard]] Result<void> write_status(std::string_view json);
  [[nodiscard]] Result<std::string> read_status() const; // FILE_UNREADABLE when no server runs
  void remove_status();

  // The text of a small secret file (0600), generated at the first call.
  [[nodiscard]] Result<std::string> secret(std::string_view name, Entropy& entropy);

  [[nodiscard]] std::string file(std::string_view name) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] Result<void> try_to_write() const;
  [[nodiscard]] Refusal with_holder(Refusal refusal) const;
  explicit DataDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::optional<FileLock> lock_;
};

} // namespace foyer::store
