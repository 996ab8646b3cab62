// How many messages a chat store keeps in a second, and how long one alone takes.
//
//   bench_store FILE.sqlite | postgresql://…  [messages]
//
// "many": the writer's queue always holds some; what group commit gives. "one": the
// next is asked for when the last is answered; what a lone speaker waits.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <semaphore>
#include <string>
#include <string_view>

#include "engine/sql/postgres_store.h"
#include "engine/sql/sqlite_store.h"

using namespace foyer;

namespace {

constexpr std::ptrdiff_t kUnderWay = 2'000; // asked for and not yet answered

bool is_postgres(std::string_view where) { return where.starts_with("postgres"); }

Result<std::unique_ptr<engine::ChatStore>> open_store(const std::string& where, Metrics& metrics) {
  if (is_postgres(where))
    return engine::open_postgres_store({.url = where}, {}, system_clock(), system_entropy(), metrics, null_log());
  return engine::open_sqlite_store(where, {}, system_clock(), system_entropy(), metrics, null_log());
}

double per_second(engine::ChatStore& store, int messages, std::ptrdiff_t under_way) {
  std::counting_semaphore<kUnderWay> free(under_way);
  std::atomic<int> failed{0};
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < messages; ++i) {
    free.acquire();
    const std::string room = "room" + std::to_string(i % 20);
    const std::string author = "user" + std::to_string(i % 100);
    store.append({.room = RoomName(room),
                     .from = {UserId(author), author},
                     .text = std::string(100, 'x'),
                     .key = "k" + system_entropy().short_id(),
                     .time = system_clock().wall()},
        [&](Result<rooms::Appended> stored) {
      if (!stored) ++failed;
      free.release();
    });
  }
  for (std::ptrdiff_t i = 0; i < under_way; ++i) free.acquire();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (failed > 0) fmt::print(stderr, "{} of {} were not stored\n", failed.load(), messages);
  return messages / seconds;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "bench_store FILE.sqlite | postgresql://…  [messages]\n");
    return 2;
  }
  const int messages = argc > 2 ? std::atoi(argv[2]) : 200'000;
  Metrics metrics;
  auto opened = open_store(argv[1], metrics);
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().operator_text());
    return 1;
  }
  per_second(**opened, messages / 20, kUnderWay); // rooms, names and statements are made
  const double many = per_second(**opened, messages, kUnderWay);
  const double one = per_second(**opened, std::max(1, messages / 100), 1);
  fmt::print("{:<10} {:>9.0f} messages/s many at once   {:>7.0f} one after another\n",
      is_postgres(argv[1]) ? "PostgreSQL" : "SQLite", many, one);
}
