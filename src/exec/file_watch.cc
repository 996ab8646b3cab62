#include "exec/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <filesystem>
#include <set>

namespace foyer::exec {

namespace asio = boost::asio;
namespace fs = std::filesystem;

std::vector<std::string> directories_of(const std::string& path) {
  constexpr int kMostLinks = 40; // the kernel's limit (path_resolution(7))
  std::set<std::string> out;
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  std::deque<fs::path> rest(whole.begin(), whole.end());
  fs::path at;
  for (int links = 0; !rest.empty();) {
    const fs::path name = rest.front();
    rest.pop_front();
    if (name.empty() || name == ".") continue;
    if (name == ".." || name.is_absolute()) {
      at = name == ".." ? at.parent_path() : name;
      continue;
    }
    const auto about = fs::symlink_status(at / name, error);
    if (error || !fs::exists(about) || !fs::is_directory(about)) out.insert(at.string());
    if (!fs::is_symlink(about) || ++links > kMostLinks) {
      at /= name;
      if (!fs::exists(about)) break;
      continue;
    }
    const fs::path target = fs::read_symlink(at / name, error);
    rest.insert(rest.begin(), target.begin(), target.end());
  }
  return {out.begin(), out.end()};
}

struct FileWatch::State : std::enable_shared_from_this<State> {
  State(ControlPlane& plane, std::vector<std::string> p, Millis q, std::function<void()> c)
      : paths(std::move(p)),
        quiet(q),
        changed(std::move(c)),
        events(plane.context()),
        pause(plane.context()) {}

  void start() {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) return; // no more watches for this user: periodic checks still find the change
    events.assign(fd);
    watch();
    wait();
  }
  // The same directory twice is one watch; watches that are no longer needed only cause extra reports.
  void watch() {
    constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
        IN_DELETE_SELF | IN_MOVE_SELF;
    for (const auto& path : paths)
      for (const auto& directory : directories_of(path))
        ::inotify_add_watch(events.native_handle(), directory.c_str(), kEvents | IN_ONLYDIR);
  }
  void wait() {
    events.async_wait(
        asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      alignas(inotify_event) char buffer[16384];
      while (::read(self->events.native_handle(), buffer, sizeof buffer) > 0) {}
      self->on_event();
      self->wait();
    });
  }
  void on_event() {
    watch();
    pause.expires_after(quiet);
    pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      self->watch(); // changes during the quiet time may have changed the directories
      if (self->changed) self->changed();
    });
  }

  std::vector<std::string> paths;
  Millis quiet;
  std::function<void()> changed;
  asio::posix::stream_descriptor events;
  asio::steady_timer pause;
};

FileWatch::FileWatch(ControlPlane& plane, std::vector<std::string> paths, Millis quiet, std::function<void()> changed)
    : state_(std::make_shared<State>(plane, std::move(paths), quiet, std::move(changed))) {
  state_->start(); // before any change can be missed
}

FileWatch::~FileWatch() {
  state_->changed = nullptr;
  boost::system::error_code ignored;
  state_->events.close(ignored);
  state_->pause.cancel();
}

} // namespace foyer::exec
