// Reports that files may have changed, however they were replaced: overwritten,
// renamed over, or reached by a symbolic link that now points elsewhere (as the
// directories in which Kubernetes and ACME clients put certificates do). It
// watches directories: those of the files, and of every link on the way.
//
// It reports too often rather than too rarely, and never which file:
// the callee reads them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exec/control.h"

namespace foyer::exec {

class FileWatch {
 public:
  // `changed` is called on the plane's thread, once for all changes until
  // none followed for `quiet`. Paths that do not exist are watched as far as they do.
  FileWatch(ControlPlane& plane, std::vector<std::string> paths, Millis quiet, std::function<void()> changed);
  ~FileWatch(); // after the plane was stopped, or on its thread
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The directories that the meaning of the path depends on, sorted.
[[nodiscard]] std::vector<std::string> directories_of(const std::string& path);

} // namespace foyer::exec
