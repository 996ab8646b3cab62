// For tests: a private PostgreSQL server, in a directory that is removed
// automatically. It listens on a unix socket only and is small; fsync is on, as in production.
//
//   auto& server = Postgres::shared();           // the program's only one; starts at the first call
//   const std::string url = server.fresh();      // a new, empty database
//   server.kill();  server.start();              // as after kill -9
//
// PostgreSQL refuses to run as root: then it runs as the user `postgres`. A failed
// setup ends the program with a sentence, since no test can continue.
#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace foyer::testing_world {

class Postgres {
 public:
  enum class Stop : int {
    fast = SIGINT,       // ends transactions and connections, writes everything
    immediate = SIGQUIT, // like a crash of the server
    kill = SIGKILL,      // clients are not notified
  };

  // The program's only server, ended at its exit.
  static Postgres& shared() {
    static Postgres server;
    server.start();
    return server;
  }

  Postgres() {
    std::string pattern = (std::filesystem::temp_directory_path() / "foyer-pg-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) give_up("a directory in " + pattern);
    dir_ = pattern;
    if (::geteuid() == 0) {
      const passwd* user = ::getpwnam("postgres");
      if (user == nullptr) give_up("the system's user postgres, which the package postgresql brings");
      uid_ = user->pw_uid;
      gid_ = user->pw_gid;
      if (::chown(dir_.c_str(), uid_, gid_) != 0) give_up("ownership of " + dir_);
    }
    must({program("initdb"), "--pgdata=" + data(), "--username=postgres", "--auth=trust", "--encoding=UTF8",
        "--no-locale", "--no-sync"});
  }
  ~Postgres() {
    if (::getpid() != owner_) return; // not in a forked child
    stop(Stop::immediate);
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  // The URL of a new, empty database.
  std::string fresh() {
    const std::string name = "test_" + std::to_string(++databases_);
    sql("CREATE DATABASE " + name);
    return url(name);
  }
  [[nodiscard]] std::string url(const std::string& database) const {
    return "postgresql://postgres@/" + database + "?connect_timeout=60&host=" + dir_;
  }

  // Waits until it accepts connections; no effect if it already does.
  void start() {
    using namespace std::chrono_literals;
    for (const auto until = std::chrono::steady_clock::now() + 240s; std::chrono::steady_clock::now() < until;
        std::this_thread::sleep_for(5ms)) {
      // After kill() a child of the old server may still hold its memory: retry.
      if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
      if (pid_ == 0) {
        pid_ =
            run({program("postgres"), "-D", data(), "-k", dir_, "-c", "listen_addresses=", "-c", "max_connections=60",
                "-c", "shared_buffers=16MB", "-c", "dynamic_shared_memory_type=mmap", "-c", "max_wal_size=64MB", "-c",
                "autovacuum=off", "-c", "recovery_init_sync_method=syncfs", "-c", "log_min_messages=fatal"});
      } else if (ready()) {
        return;
      }
    }
    give_up("a PostgreSQL that starts: see its words above");
  }
  void stop(Stop how) {
    if (pid_ <= 0) return;
    ::kill(pid_, static_cast<int>(how));
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void kill() { stop(Stop::kill); }

  // Ends every connection but this one; the server continues.
  void end_connections() {
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = "
        "'client backend'");
  }
  // Runs statements as the server's owner.
  void sql(const std::string& statements, const std::string& database = "postgres") const {
    must({program("psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1",
        "--dbname=" + url(database), "--command=" + statements});
  }

 private:
  [[nodiscard]] std::string data() const { return dir_ + "/data"; }

  // The newest installed one, where Debian puts it; otherwise the one in PATH.
  static std::string program(const std::string& name) {
    static const std::string folder = [] {
      int newest = 0;
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored))
        newest = std::max(newest, std::atoi(entry.path().filename().c_str()));
      return newest == 0 ? std::string{} : "/usr/lib/postgresql/" + std::to_string(newest) + "/bin/";
    }();
    return folder + name;
  }

  // The first line of the server's pid file is its process (a killed one leaves its own), the eighth its state.
  [[nodiscard]] bool ready() const {
    std::ifstream file(data() + "/postmaster.pid");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines.size() >= 8 && lines[0] == std::to_string(pid_) && lines[7].starts_with("ready");
  }

  [[nodiscard]] pid_t run(const std::vector<std::string>& command) const {
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0) give_up("a process");
    if (child > 0) return child;
    // Only calls that are safe after a fork of a program with threads.
    if (uid_ != 0 && (::setgid(gid_) != 0 || ::setuid(uid_) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT); // the server ends with the test program
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, 0);
    if (words[0][0] != '/' || std::string_view(words[0]).ends_with("initdb")) ::dup2(nothing, 1);
    for (int fd = 3; fd < 1024; ++fd) ::close(fd);
    if (::chdir("/") != 0) ::_exit(126);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  void must(const std::vector<std::string>& command) const {
    int status = 0;
    if (::waitpid(run(command), &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
      give_up("success of " + command[0] + " (127: it is not there; the package is postgresql), got " +
          std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : status));
  }
  [[noreturn]] static void give_up(const std::string& wanted) {
    std::fprintf(stderr, "Tests of PostgreSQL need %s.\n", wanted.c_str());
    std::_Exit(70);
  }

  const pid_t owner_ = ::getpid();
  std::string dir_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  pid_t pid_ = 0;
  int databases_ = 0;
};

} // namespace foyer::testing_world
