// For tests: a private Redis or Valkey server, in a directory that is removed automatically. It listens on a port of
// loopback, keeps everything in memory, and ends with the test program.
//
//   RedisServer server;                            // started
//   Connection redis({server.url()}, …);
//   server.kill();  server.start();                // empty again, on the same port
//   server.freeze();  server.thaw();               // SIGSTOP, SIGCONT
//   server.cli({"CONFIG", "SET", "maxmemory", "1mb"});
//
// A failed setup ends the program with a sentence, since no test can continue.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "redis/server_url.h"

namespace foyer::testing_world {

struct RedisOptions {
  std::vector<std::string> arguments = {};   // "--requirepass", "…"
  std::vector<std::string> environment = {}; // "NAME=value"
  bool tls = false;                          // the arguments say with which certificate
};

class RedisServer {
 public:
  explicit RedisServer(RedisOptions options = {}) : options_(std::move(options)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "foyer-redis-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) give_up("a directory in " + pattern);
    dir_ = pattern;
    for (int attempt = 0; attempt < 20 && pid_ == 0; ++attempt) { // another program may take the port meanwhile
      port_ = free_port();
      started();
    }
    if (pid_ == 0) give_up("redis-server that starts (the package is redis-server); see " + dir_ + "/log");
  }
  ~RedisServer() {
    if (::getpid() != owner_) return; // not in a forked child
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] redis::ServerUrl url() const { return {.host = "127.0.0.1", .port = port_, .tls = options_.tls}; }
  [[nodiscard]] const std::string& dir() const { return dir_; }

  void start() {
    using namespace std::chrono_literals;
    for (const auto until = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < until;)
      if (pid_ != 0 || started()) return;
    give_up("redis-server that starts again; see " + dir_ + "/log");
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void freeze() const { ::kill(pid_, SIGSTOP); }
  void thaw() const { ::kill(pid_, SIGCONT); }
  // Over its unix socket, which takes every command.
  std::string cli(const std::vector<std::string>& words) const {
    std::string command = "redis-cli -s '" + dir_ + "/socket'";
    for (const auto& word : words) command += " '" + word + "'";
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) give_up("redis-cli (the package is redis-tools)");
    std::string out;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
    ::pclose(pipe);
    while (out.ends_with('\n')) out.pop_back();
    return out;
  }

 private:
  static std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0) give_up("a port");
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
  }

  // Runs it and waits until it says that it accepts connections; false: it ended.
  bool started() {
    using namespace std::chrono_literals;
    const std::string port = std::to_string(port_), log = dir_ + "/log";
    std::filesystem::remove(log);
    std::vector<std::string> command{"redis-server", options_.tls ? "--tls-port" : "--port", port, "--bind",
        "127.0.0.1", "--dir", dir_, "--logfile", log, "--unixsocket", dir_ + "/socket", "--save", "", "--appendonly",
        "no", "--daemonize", "no", "--hz", "50"};
    if (options_.tls) command.insert(command.end(), {"--port", "0"});
    command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
    pid_ = run(command);
    for (const auto until = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < until;
        std::this_thread::sleep_for(2ms)) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = 0;
        return false;
      }
      std::ifstream file(log);
      for (std::string line; std::getline(file, line);)
        if (line.find("eady to accept connections") != std::string::npos) return true;
    }
    give_up("redis-server that accepts connections within a minute; see " + log);
  }

  [[nodiscard]] pid_t run(const std::vector<std::string>& command) const {
    std::vector<char*> words, environment;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    for (char** each = environ; *each != nullptr; ++each) environment.push_back(*each);
    for (const auto& each : options_.environment) environment.push_back(const_cast<char*>(each.c_str()));
    environment.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0) give_up("a process");
    if (child > 0) return child;
    // Only calls that are safe after a fork of a program with threads.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) ::dup2(nothing, fd);
    for (int fd = 3; fd < 1024; ++fd) ::close(fd);
    ::execvpe(words[0], words.data(), environment.data());
    ::_exit(127);
  }
  [[noreturn]] static void give_up(const std::string& wanted) {
    std::fprintf(stderr, "Tests of Redis need %s.\n", wanted.c_str());
    std::_Exit(70);
  }

  const pid_t owner_ = ::getpid();
  const RedisOptions options_;
  std::string dir_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

} // namespace foyer::testing_world
