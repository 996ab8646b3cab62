// For tests: one Redis server for the program, whose time a test sets, and nodes that use it.
//
//   auto& bus = TestBus::shared();
//   BusNode node(bus, bus.fresh_names(), "n1");   // names of its own: tests do not see each other's keys
//   bus.advance(Millis{10'000});                  // for the server
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/redis/eval.h"
#include "engine/redis/names.h"
#include "redis/connection.h"
#include "redis/testing/answers.h"
#include "redis/testing/redis_server.h"

namespace foyer::engine {

// A file with the time of a server; server_clock.cc reads it there.
class ServerClockFile {
 public:
  ServerClockFile() {
    path_ = (std::filesystem::temp_directory_path() / "foyer-clock-XXXXXX").string();
    const int file = ::mkstemp(path_.data());
    if (file < 0 || ::ftruncate(file, sizeof(Now)) != 0) std::abort();
    void* at = ::mmap(nullptr, sizeof(Now), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (at == MAP_FAILED) std::abort();
    now_ = static_cast<Now*>(at);
    set(from_unix_millis(1'700'000'000'000));
  }
  ~ServerClockFile() {
    ::munmap(now_, sizeof(Now));
    ::unlink(path_.c_str());
  }
  ServerClockFile(const ServerClockFile&) = delete;
  ServerClockFile& operator=(const ServerClockFile&) = delete;

  void set(WallTime time) { now_->store(unix_millis(time) * 1000); }
  [[nodiscard]] WallTime now() const { return from_unix_millis(now_->load() / 1000); }
  void advance(Millis by) { now_->fetch_add(by.count() * 1000); }
  [[nodiscard]] std::vector<std::string> environment() const {
    return {"FOYER_SERVER_CLOCK=" + path_, std::string("LD_PRELOAD=") + FOYER_SERVER_CLOCK_LIBRARY};
  }

 private:
  using Now = std::atomic<std::int64_t>;
  std::string path_;
  Now* now_ = nullptr;
};

class TestBus {
 public:
  static TestBus& shared() {
    static TestBus bus;
    return bus;
  }
  testing_world::RedisServer& server() { return server_; }
  ServerClockFile& time() { return time_; }
  void advance(Millis by) { time_.advance(by); }
  BusNames fresh_names() { return BusNames("test" + std::to_string(++worlds_) + ":"); }
  // A short back-off, so that tests of failures are quick.
  static redis::Policy policy() { return {.backoff_first = Millis{5}, .backoff_most = Millis{20}}; }

 private:
  ServerClockFile time_;
  testing_world::RedisServer server_{{.environment = time_.environment()}};
  int worlds_ = 0;
};

// For the connection that sends commands.
inline redis::Server bus_server(const testing_world::RedisServer& server) {
  return {.url = server.url(), .scripts = bus_scripts()};
}

// The keys of the server that begin so, with their types; those without an end have a star.
inline std::vector<std::string> keys_of(redis::Connection& commands, const std::string& prefix) {
  std::vector<std::string> out;
  const auto keys = redis::ask(commands, {"KEYS", prefix + "*"});
  for (const auto& key : keys->items)
    out.push_back(key.text.substr(prefix.size()) + (redis::ask(commands, {"PTTL", key.text})->integer < 0 ? "*" : ""));
  return out;
}

} // namespace foyer::engine
