// Failures that only PostgreSQL can cause in a chat store: a connection that ends at
// any moment, a server that dies, a second gateway.
#include "engine/sql/postgres_store.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "engine/testing/store_worlds.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;

struct PostgresStoreTest : testing::Test {
  PostgresWorld w;
  ~PostgresStoreTest() override { w.server.start(); } // the next test needs it running

  // Waits are over, the next try is due.
  void later() { w.clock().advance(Millis{5'000}); }
};

TEST_F(PostgresStoreTest, ManyMessagesAreOneCommit) {
  w.open({});
  for (int i = 0; i < 500; ++i) w.store().append(w.message("tea", "ann", "x"), [](Result<Appended>) {});
  w.run();
  EXPECT_EQ(w.metrics.counter("foyer_store_commits_total", "", {{"store", "chat"}}).value(), 1U);
}

TEST_F(PostgresStoreTest, TheTablesLieInASchemaOfTheirOwnAndLeaveOthersAlone) {
  w.server.sql("CREATE TABLE public.rooms (mine int); INSERT INTO public.rooms VALUES (1)",
      w.url.substr(w.url.find("@/") + 2, w.url.find('?') - w.url.find("@/") - 2));
  w.open({});
  EXPECT_EQ(w.say("tea", "ann", "one")->offset, 1U);
  EXPECT_EQ(w.asked("SELECT count(*) FROM public.rooms"), "1");
  EXPECT_EQ(w.asked("SELECT count(*) FROM foyer.rooms"), "1");
}

TEST_F(PostgresStoreTest, AStoreHasOneOwner) {
  w.open({});
  auto second = w.try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().cause, Cause::CHAT_STORE_IN_USE);
  EXPECT_TRUE(w.say("tea", "ann", "undisturbed"));
  w.close();
  EXPECT_TRUE(w.open_once_it_is_free());
}

TEST_F(PostgresStoreTest, ConnectionsThatTheServerEndedComeBackAndOffsetsGoOn) {
  w.open({});
  ASSERT_EQ(w.say("tea", "ann", "one", "k1")->offset, 1U);
  for (Offset next = 2; next < 5; ++next) {
    w.server.end_connections();
    auto said = w.say("tea", "ann", "more");
    if (!said) {
      EXPECT_EQ(said.error().cause, Cause::DATABASE_UNREACHABLE);
      later();
      said = w.say("tea", "ann", "more");
    }
    ASSERT_TRUE(said) << said.error().operator_text();
    EXPECT_EQ(said->offset, next);
  }
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:one 2:more 3:more 4:more");
  EXPECT_TRUE(w.say("tea", "ann", "one", "k1")->duplicate);
  EXPECT_TRUE(w.store().probe());
}

TEST_F(PostgresStoreTest, AnOwnerThatLostItsConnectionMeetsTheNextOwnerAndRereadsAfterIt) {
  w.open({});
  ASSERT_EQ(w.say("tea", "ann", "one")->offset, 1U);
  w.server.end_connections();
  PostgresWorld next;
  FixedEntropy entropy;
  const auto open_other = [&] {
    return open_postgres_store({.url = w.url}, next.options, next.clock(), entropy, next.metrics, null_log());
  };
  auto other = open_other();
  while (!other && other.error().cause == Cause::CHAT_STORE_IN_USE)
    other = open_other(); // until the server has ended them
  ASSERT_TRUE(other) << other.error().operator_text();
  std::optional<Result<Appended>> theirs;
  (*other)->append(next.message("tea", "bob", "two"), [&](Result<Appended> r) { theirs = std::move(r); });
  next.run();
  ASSERT_TRUE(theirs && *theirs);
  EXPECT_EQ((*theirs)->offset, 2U);

  std::string code = code_of(w.say("tea", "ann", "three"));
  if (code == "DATABASE_UNREACHABLE") {
    later();
    code = code_of(w.say("tea", "ann", "three"));
  }
  EXPECT_EQ(code, "CHAT_STORE_IN_USE");
  EXPECT_EQ(std::string(w.store().probe().error().code()), "CHAT_STORE_IN_USE");
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:one 2:two") << "reads continue";
  other->reset();
  Result<Appended> said = refuse(Cause::CHAT_STORE_IN_USE);
  while (!said &&
      said.error().cause ==
          Cause::CHAT_STORE_IN_USE) { // the server learns a moment later that the other's session is over
    later();
    said = w.say("tea", "ann", "three");
  }
  ASSERT_TRUE(said) << said.error().operator_text();
  EXPECT_EQ(said->offset, 3U);
}

TEST_F(PostgresStoreTest, AnUnreachableServerIsReportedForEveryMessageAndNothingIsLost) {
  w.open({});
  ASSERT_EQ(w.say("tea", "ann", "one", "k1")->offset, 1U);
  for (const auto how : {testing_world::Postgres::Stop::kill, testing_world::Postgres::Stop::immediate,
           testing_world::Postgres::Stop::fast}) {
    const Offset last = w.room("tea")->offset;
    w.server.stop(how);
    while (w.room("tea")) std::this_thread::yield(); // a session whose postmaster alone was killed answers for a moment
    EXPECT_EQ(code_of(w.say("tea", "ann", "two", "k2")), "DATABASE_UNREACHABLE");
    EXPECT_EQ(code_of(w.say("milk", "ann", "two")), "DATABASE_UNREACHABLE");
    EXPECT_EQ(w.page({.room = RoomName("tea")}), "DATABASE_UNREACHABLE");
    EXPECT_EQ(std::string(w.store().probe().error().code()), "DATABASE_UNREACHABLE");
    w.server.start();
    later();
    EXPECT_EQ(w.room("tea")->offset, last);
    EXPECT_EQ(w.say("tea", "ann", "again")->offset, last + 1);
    EXPECT_TRUE(w.store().probe());
  }
  EXPECT_EQ(w.page({.room = RoomName("tea")}), "1:one 2:again 3:again 4:again");
}

TEST_F(PostgresStoreTest, AStoreOpensOnlyWhenItsServerIsThere) {
  w.server.kill();
  EXPECT_EQ(w.try_open().error().cause, Cause::DATABASE_UNREACHABLE);
  w.server.start();
  EXPECT_TRUE(w.try_open());
}

TEST_F(PostgresStoreTest, ATextMayHoldAnything) {
  using namespace std::string_literals;
  w.open({});
  for (const auto& text : {"zero \0 in it"s, "\xF4\x8F\xBF\xBF the last code point"s, "$1 ? ?1 '' \\ \" \n\r\t"s,
           std::string(60'000, 'x')}) {
    const auto said = w.say("tea", "ann", text, "k" + std::to_string(text.size()));
    ASSERT_TRUE(said) << said.error().operator_text();
    EXPECT_EQ(w.history({.room = RoomName("tea"), .limit = 1})->messages.back().text, text);
    EXPECT_TRUE(w.say("tea", "ann", text, "k" + std::to_string(text.size()))->duplicate);
  }
}

// --- a COMMIT whose answer never comes ---

// A proxy between a store and its server: passes everything on, and on request lets one COMMIT
// through, waits for the server's answer to it, and ends the connection without passing it on.
class Relay {
 public:
  explicit Relay(const std::string& server_dir)
      : server_(server_dir + "/.s.PGSQL.5432"),
        listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = at(dir.file(".s.PGSQL.5432"));
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~Relay() {
    ends_ = true;
    thread_.join();
    ::close(listener_);
  }
  void lose_the_next_commit() { armed_ = true; }
  [[nodiscard]] bool lost_one() const { return lost_; }

  testing_world::TempDir dir;

 private:
  struct Pair {
    int client;
    int server;
    bool withheld = false;
  };
  static sockaddr_un at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  void run() {
    std::vector<Pair> pairs;
    while (!ends_) {
      std::vector<pollfd> waits{{listener_, POLLIN, 0}};
      for (const Pair& pair : pairs) {
        waits.push_back({pair.client, POLLIN, 0});
        waits.push_back({pair.server, POLLIN, 0});
      }
      ::poll(waits.data(), waits.size(), 20);
      for (std::size_t i = pairs.size(); i-- > 0;) {
        const bool well = (waits[1 + 2 * i].revents == 0 || to_server(pairs[i])) &&
            (waits[2 + 2 * i].revents == 0 || to_client(pairs[i]));
        if (well) continue;
        ::close(pairs[i].client);
        ::close(pairs[i].server);
        pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (waits[0].revents != 0) {
        const Pair pair{
            ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        const auto address = at(server_);
        EXPECT_EQ(::connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        pairs.push_back(pair);
      }
    }
    for (const Pair& pair : pairs) {
      ::close(pair.client);
      ::close(pair.server);
    }
  }
  bool to_server(Pair& pair) {
    const ssize_t n = ::read(pair.client, buffer_, sizeof buffer_);
    if (n <= 0) return false;
    if (std::string_view(buffer_, static_cast<std::size_t>(n)).find("COMMIT") != std::string_view::npos &&
        armed_.exchange(false))
      pair.withheld = true;
    return ::write(pair.server, buffer_, static_cast<std::size_t>(n)) == n;
  }
  bool to_client(Pair& pair) {
    const ssize_t n = ::read(pair.server, buffer_, sizeof buffer_);
    if (n <= 0) return false;
    if (pair.withheld &&
        std::string_view(buffer_, static_cast<std::size_t>(n)).find("COMMIT") != std::string_view::npos) {
      lost_ = true;
      return false;
    }
    return ::write(pair.client, buffer_, static_cast<std::size_t>(n)) == n;
  }

  const std::string server_;
  const int listener_;
  char buffer_[65'536];
  std::atomic<bool> armed_{false};
  std::atomic<bool> lost_{false};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

TEST_F(PostgresStoreTest, ACommitWhoseAnswerWasLostIsFoundAgainUnderItsKey) {
  const auto host = w.url.find("host=") + 5;
  Relay relay(w.url.substr(host));
  FixedEntropy entropy;
  auto opened = open_postgres_store(
      {.url = w.url.substr(0, host) + relay.dir.path()}, w.options, w.clock(), entropy, w.metrics, null_log());
  ASSERT_TRUE(opened) << opened.error().operator_text();
  ChatStore& store = **opened;
  std::vector<std::string> heard;
  const auto say = [&](const std::string& text, const std::string& key) {
    store.append(w.message("tea", "ann", text, key), [&heard](Result<Appended> r) {
      heard.push_back(r ? std::to_string(r->offset) + (r->duplicate ? " again" : "") : std::string(r.error().code()));
    });
  };
  say("one", "k1");
  w.run();
  relay.lose_the_next_commit();
  say("two", "k2");
  say("three", "k3");
  w.run();
  EXPECT_TRUE(relay.lost_one());
  EXPECT_FALSE(store.probe());
  later();
  say("three", "k3");
  say("four", "k4");
  say("two", "k2");
  w.run();
  EXPECT_THAT(heard, ElementsAre("1", "DATABASE_UNREACHABLE", "DATABASE_UNREACHABLE", "3 again", "4", "2 again"));
  EXPECT_EQ(w.asked("SELECT string_agg(text, ' ' ORDER BY \"offset\") FROM messages"), "one two three four");
}

// --- on threads, as in production ---

TEST_F(PostgresStoreTest, OnThreadsEveryMessageIsAnsweredInItsRoomsOrder) {
  w.options.executor = nullptr;
  w.open({});
  constexpr int kMessages = 3'000;
  std::promise<void> all;
  std::vector<Offset> tea, milk; // filled by the writer's thread
  int answered = 0;
  for (int i = 0; i < kMessages; ++i) {
    auto& room = i % 2 == 0 ? tea : milk;
    w.store().append(w.message(i % 2 == 0 ? "tea" : "milk", "ann", "x", std::to_string(i)), [&](Result<Appended> r) {
      room.push_back(r ? r->offset : 0);
      if (++answered == kMessages) all.set_value();
    });
  }
  all.get_future().wait();
  std::vector<Offset> expected(kMessages / 2);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = i + 1;
  EXPECT_EQ(tea, expected);
  EXPECT_EQ(milk, expected);
}

// Four users write without pause, each message until it is answered; the server is killed meanwhile, twice.
TEST_F(PostgresStoreTest, UnderTrafficAServerThatDiesTakesNothingThatWasAnsweredAndNothingIsThereTwice) {
  DatabaseStoreOptions options;
  auto opened = open_postgres_store({.url = w.url}, options, system_clock(), system_entropy(), w.metrics, null_log());
  ASSERT_TRUE(opened) << opened.error().operator_text();
  ChatStore& store = **opened;

  std::atomic<int> stored{0};
  std::atomic<int> refused{0};
  std::atomic<bool> enough{false};
  std::array<std::map<std::string, Offset>, 4> answered;
  std::vector<std::thread> people;
  for (std::size_t p = 0; p < answered.size(); ++p)
    people.emplace_back([&, p] {
      for (int i = 0; !enough; ++i) {
        const std::string text = std::to_string(p) + "-" + std::to_string(i);
        for (;;) {
          std::promise<Result<Appended>> answer;
          store.append({.room = RoomName("tea"),
                           .from = {UserId("u" + std::to_string(p)), "n"},
                           .text = text,
                           .key = text,
                           .time = system_clock().wall()},
              [&](Result<Appended> r) { answer.set_value(std::move(r)); });
          const auto r = answer.get_future().get();
          if (r) {
            answered[p][text] = r->offset;
            ++stored;
            break;
          }
          EXPECT_EQ(r.error().cause, Cause::DATABASE_UNREACHABLE) << r.error().operator_text();
          ++refused;
          // Like a client: not at once again.
          std::this_thread::sleep_for(std::min(Millis{100}, r.error().retry_after.value_or(Millis{20})));
        }
      }
    });
  const auto wait_for = [&](int more) {
    for (const int until = stored + more; stored < until;) std::this_thread::yield();
  };
  wait_for(200);
  for (int i = 0; i < 2; ++i) {
    w.server.kill();
    w.server.start();
    wait_for(200);
  }
  enough = true;
  for (auto& person : people) person.join();
  opened->reset();

  EXPECT_GT(refused, 0);
  std::set<Offset> offsets;
  for (const auto& mine : answered)
    for (const auto& [text, offset] : mine) {
      EXPECT_TRUE(offsets.insert(offset).second) << "given twice: " << offset;
    }
  const std::string count = std::to_string(stored.load());
  EXPECT_EQ(w.asked("SELECT count(*) FROM messages"), count);
  EXPECT_EQ(w.asked("SELECT count(DISTINCT text) FROM messages"), count);
  EXPECT_EQ(w.asked("SELECT max(\"offset\") FROM messages"), count) << "no hole";
}

} // namespace
} // namespace foyer::engine
