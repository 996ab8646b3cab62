// A pooler that gives each transaction another session, and what is noticed of it.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "store/postgres.h"
#include "store/testing/postgres.h"
#include "store/testing/store_world.h"

namespace foyer::store {
namespace {

// Each client has two sessions of the server: its transactions alternate between them, from `after` of them on.
class TransactionPooler {
 public:
  TransactionPooler(std::string server_dir, int after)
      : server_(std::move(server_dir) + "/.s.PGSQL.5432"),
        after_(after),
        listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = at(dir.file(".s.PGSQL.5432"));
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~TransactionPooler() {
    ends_ = true;
    thread_.join();
    ::close(listener_);
  }
  testing_world::TempDir dir;

 private:
  static sockaddr_un at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  void run() {
    std::vector<std::thread> clients;
    while (!ends_) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 20) != 1) continue;
      clients.emplace_back([this, client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)] { serve(client); });
    }
    for (auto& client : clients) client.join();
  }

  static bool read_all(int from, std::string& into, std::size_t size) {
    while (into.size() < size) {
      char buffer[4'096];
      const ssize_t n = ::read(from, buffer, std::min(sizeof buffer, size - into.size()));
      if (n <= 0) return false;
      into.append(buffer, static_cast<std::size_t>(n));
    }
    return true;
  }
  static void write_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  static std::size_t number(std::string_view bytes) {
    std::size_t n = 0;
    for (const char c : bytes.substr(0, 4)) n = n << 8 | static_cast<unsigned char>(c);
    return n;
  }
  // A message of the server: its type, its length, its content.
  static bool read_message(int from, std::string& message) {
    message.clear();
    return read_all(from, message, 5) && read_all(from, message, 1 + number(std::string_view(message).substr(1)));
  }

  void serve(int client) {
    std::string startup;
    std::array<int, 2> servers{};
    if (read_all(client, startup, 4)) (void)read_all(client, startup, number(startup));
    for (int& server : servers) {
      server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const auto address = at(server_);
      EXPECT_EQ(::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
      write_all(server, startup);
      for (std::string message; read_message(server, message) && message[0] != 'Z';)
        if (&server == servers.data()) write_all(client, message);
    }
    write_all(client, std::string_view("Z\0\0\0\5I", 6));
    std::size_t now = 0;
    int transactions = 0;
    while (!ends_) {
      pollfd waits[] = {{client, POLLIN, 0}, {servers.at(now), POLLIN, 0}};
      ::poll(waits, 2, 20);
      if (waits[0].revents != 0) {
        char buffer[65'536];
        const ssize_t n = ::read(client, buffer, sizeof buffer);
        if (n <= 0) break;
        write_all(servers.at(now), std::string_view(buffer, static_cast<std::size_t>(n)));
      }
      if (waits[1].revents != 0) {
        std::string message;
        if (!read_message(servers.at(now), message)) break;
        write_all(client, message);
        if (message[0] == 'Z' && message[5] == 'I' && ++transactions >= after_) now = 1 - now;
      }
    }
    for (const int server : servers) ::close(server);
    ::close(client);
  }

  const std::string server_;
  const int after_;
  const int listener_;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

struct PoolerTest : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  const std::size_t host = url.find("host=") + 5;
  const std::string server_dir = url.substr(host);
  [[nodiscard]] PostgresOptions through(const TransactionPooler& pooler) const {
    return {.url = url.substr(0, host) + pooler.dir.path()};
  }
};

TEST_F(PoolerTest, APoolerThatChangesTheSessionIsNoticedBeforeAnythingIsDone) {
  const TransactionPooler pooler(server_dir, 1);
  constexpr std::string_view kSchema[] = {"CREATE TABLE notes (text TEXT)"};
  for (const Owner owner : {Owner::shared, Owner::among, Owner::sole}) {
    const auto opened = postgres_writer(through(pooler), {"notes", kSchema}, owner)();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().cause, Cause::POOLER_UNSUITABLE) << opened.error().operator_text();
    EXPECT_THAT(opened.error().evidence, testing::HasSubstr("the next one in"));
  }
  EXPECT_EQ(postgres_reader(through(pooler))().error().cause, Cause::POOLER_UNSUITABLE);
  auto direct = open_postgres({.url = url});
  ASSERT_TRUE(direct);
  auto rows = (*direct)->query("SELECT to_regnamespace('foyer') IS NULL");
  ASSERT_TRUE(rows && rows->step().value());
  EXPECT_EQ(rows->integer(0), 1);
}

// A pooler with little to do gives the same session again and again.
TEST_F(PoolerTest, OneThatChangesItLaterIsNoticedByTheStatementsThatAreMissing) {
  const TransactionPooler pooler(server_dir, 8);
  auto db = open_postgres(through(pooler));
  ASSERT_TRUE(db) << db.error().operator_text();
  Result<bool> asked = true;
  for (int i = 0; i < 10 && asked; ++i) {
    auto rows = (*db)->query("SELECT 1");
    asked = rows->step();
  }
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().cause, Cause::POOLER_UNSUITABLE);
  EXPECT_FALSE((*db)->usable_after(asked.error()));
}

TEST_F(PoolerTest, AStatementOfSomebodyElseUnderTheSameNameIsNoticed) {
  auto db = open_postgres({.url = url});
  ASSERT_TRUE(db);
  ASSERT_TRUE((*db)->script("PREPARE s3 AS SELECT 1"));
  auto rows = (*db)->query("SELECT 2");
  EXPECT_EQ(rows->step().error().cause, Cause::POOLER_UNSUITABLE);
}

} // namespace
} // namespace foyer::store
