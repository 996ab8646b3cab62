// Applications on several threads, against loops that turn, with clients that come and go. What clients see of it is in
// tests/scenarios/app_*.scenario.
#include "gateway/clients.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "auth/local_verifier.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "io/poll/epoll_poller.h"
#include "io/server.h"
#include "io/testing/peer.h"
#include "jose/verifier.h"
#include "protocol/foyer_v1/foyer_v1.h"

namespace foyer::gateway {
namespace {

using io::test::Peer;
using namespace std::chrono_literals;

constexpr std::size_t kLoops = 2;
constexpr auto kPatience = 30s;

// The control plane: a thread that runs what is posted.
class Control final : public Executor {
 public:
  ~Control() override {
    {
      const std::lock_guard held(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void post(Task task) override {
    {
      const std::lock_guard held(mutex_);
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
  }
  TimerId after(Millis, Task) override { return 1; } // no timer is used here
  TimerId every(Millis, Task) override { return 1; }
  void cancel(TimerId) override {}

 private:
  void run() {
    std::unique_lock held(mutex_);
    for (;;) {
      changed_.wait(held, [this] { return ended_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      held.unlock();
      task();
      held.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool ended_ = false;
  std::thread thread_{[this] { run(); }};
};

// Accepts every cookie; its value is the user's name.
class AuthByName final : public auth::AuthService {
 public:
  void redeem_ticket(auth::TicketRequest, Completion<Identity> answer) override {
    answer(refuse(Cause::TICKET_UNKNOWN));
  }
  void check_cookie(auth::CookieRequest question, Completion<Identity> answer) override {
    Identity identity;
    identity.user = UserId{question.cookie};
    identity.name = question.cookie;
    identity.permissions = {.chat_read = true, .chat_write = true};
    identity.own_account = true;
    answer(std::move(identity));
  }
  void find_person(auth::PersonRequest, Completion<std::optional<auth::Person>> answer) override {
    answer(std::nullopt);
  }
  void watch_revocations(
      std::function<void(const std::vector<auth::RevocationEvent>&)>, std::function<void(WallTime)>) override {}
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().operator_text());
  return std::move(*result);
}

struct ClientsTest : testing::Test {
  ClientsTest() {
    door.sockets = {{.path = "/ws/chat", .subprotocols = {"foyer.v1"}}};
    door.allowed_hosts = {"chat.example"};
    door.allowed_origins = {"https://chat.example"};
    policy.door = door;
    policy.rooms.rules = rooms::RoomRules({}, {"*"}); // no store
    revocations.synchronised(system_clock().mono());
    for (std::size_t i = 0; i < kLoops; ++i) loops.push_back(&group.loop(i));
    gateway = std::make_unique<Gateway>(loops, policy,
        GatewayDeps{.clock = system_clock(),
            .entropy = system_entropy(),
            .log = null_log(),
            .metrics = metrics,
            .room_log = nullptr,
            .directory = nullptr,
            .auth_service = auth_service,
            .verifier = verifier,
            .revocations = revocations,
            .router = router,
            .reporter = reporter,
            .addresses = addresses,
            .users = users,
            .gauges = limits,
            .control = *control,
            .codec = [] { return std::make_unique<protocol::FoyerV1>(protocol::WelcomeConstants{}); }});
    server = std::make_unique<http::Server>(loops, gateway->upgrades(), http::Policy{},
        http::Deps{.clock = system_clock(),
            .entropy = system_entropy(),
            .log = null_log(),
            .metrics = metrics,
            .router = router,
            .reporter = reporter,
            .addresses = addresses,
            .plain_gets = plain_gets,
            .limits = limits,
            .control = *control});
    group.start();
  }
  ~ClientsTest() override {
    group.stop();
    group.join();
    control.reset();
  }

  Metrics metrics;
  observe::RefusalRing ring;
  observe::RefusalReporter reporter{ring, metrics, null_log(), system_clock()};
  admission::AddressLimits addresses{admission::AddressPolicy{}}, plain_gets{admission::AddressPolicy{}};
  admission::ConnectionLimits limits{admission::ConnectionPolicy{}};
  admission::UserConnections users{1'000};
  admission::DoorPolicy door;
  GatewayPolicy policy;
  AuthByName auth_service;
  auth::LocalVerifier verifier{
      jose::Verifier(
          must(jose::KeySet::of({must(jose::Key::from_secret("a secret that no token is signed with, ever"))})), {}),
      true, metrics};
  auth::RevocationTable revocations{{}};
  http::Router router{{}, http::RouterPolicy{.door = &door, .version = "1", .build = "b"}};
  std::unique_ptr<Control> control = std::make_unique<Control>();
  io::LoopGroup group{kLoops, system_clock(), null_log()};
  std::vector<io::Loop*> loops;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<http::Server> server;

  Clients& clients() { return gateway->clients(); }

  Peer connect(const std::string& user, std::size_t loop) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    group.loop(loop).post([this, loop, fd = ends[0]] {
      group.loop(loop).adopt(
          io::epoll_handle(fd), "10.0.0.1", server->accept_function(static_cast<std::uint8_t>(loop)));
    });
    Peer peer{ends[1]};
    peer.write(
        "GET /ws/chat?auth=cookie HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://chat.example\r\n"
        "Sec-WebSocket-Protocol: foyer.v1\r\nCookie: foyer_session=" +
        user + "\r\n\r\n");
    return peer;
  }

  // Sends a request and waits for the answer.
  template <class T, class Ask>
  Result<T> answer_to(Ask ask) {
    struct Box {
      std::mutex mutex;
      std::condition_variable came;
      std::optional<Result<T>> answer;
    };
    const auto box = std::make_shared<Box>();
    ask([box](Result<T> result) {
      const std::lock_guard held(box->mutex);
      EXPECT_FALSE(box->answer) << "answered twice";
      box->answer = std::move(result);
      box->came.notify_all();
    });
    std::unique_lock held(box->mutex);
    if (!box->came.wait_for(held, kPatience, [&] { return box->answer.has_value(); }))
      return refuse(Cause::INTERNAL_ERROR, "no answer");
    return std::move(*box->answer);
  }
  ClientNumbers numbers() {
    return must(answer_to<ClientNumbers>([&](auto done) { clients().numbers(std::move(done)); }));
  }
  bool until_there_are(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (numbers().clients != count)
      if (std::chrono::steady_clock::now() > end) return false;
    return true;
  }
  // Reads all pages: how often each connection of this user was listed.
  std::map<ConnectionId, int> pages_of(const std::string& user, ClientsQuery query) {
    std::map<ConnectionId, int> seen;
    do {
      const ClientsPage page = must(answer_to<ClientsPage>([&](auto done) { clients().list(query, std::move(done)); }));
      EXPECT_LE(page.clients.size(), query.limit);
      for (const ClientRow& row : page.clients)
        if (row.user.view() == user) ++seen[row.connection];
      query.after = page.next;
    } while (!query.after.empty());
    return seen;
  }
  engine::Applied applied(const std::function<void(Completion<Applied>)>& ask) { return must(answer_to<Applied>(ask)); }
};

TEST_F(ClientsTest, EveryPageIsBoundedAndWhoStaysIsOnExactlyOneWhileOthersComeAndGo) {
  constexpr std::size_t kStay = 600; // more than a turn looks at
  std::vector<Peer> staying;
  for (std::size_t i = 0; i < kStay; ++i) staying.push_back(connect("stay", i % kLoops));
  ASSERT_TRUE(until_there_are(kStay));
  std::atomic<bool> end{false};
  std::thread others([&] {
    for (std::size_t i = 0; !end; ++i) {
      const Peer peer = connect("guest", i % kLoops);
      static_cast<void>(peer.read_exactly(20)); // the answer to the handshake has come
    }
  });
  for (int i = 0; i < 3; ++i) {
    for (const ClientsQuery& query : {ClientsQuery{.limit = 70}, ClientsQuery{.user = UserId{"stay"}, .limit = 70},
             ClientsQuery{.address = "10.0.0.1", .limit = 1'000}}) {
      const auto seen = pages_of("stay", query);
      EXPECT_EQ(seen.size(), kStay);
      EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& one) { return one.second == 1; }));
    }
  }
  end = true;
  others.join();
}

TEST_F(ClientsTest, EveryRequestOfEveryThreadIsAnsweredOnce) {
  constexpr std::size_t kUsers = 8, kOfEach = 10;
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < kUsers * kOfEach; ++i)
    peers.push_back(connect("u" + std::to_string(i % kUsers), i / kUsers % kLoops));
  ASSERT_TRUE(until_there_are(peers.size()));
  const auto work = [&](std::size_t thread) {
    for (std::size_t i = 0; i < 40; ++i) {
      const engine::Selection who{.user = UserId{"u" + std::to_string((thread + i) % kUsers)}};
      // Each thread has its room, since another one would take out who was just joined. The clients are shared.
      const RoomName room{"room-" + std::to_string(thread)};
      EXPECT_EQ(
          applied([&](auto done) { clients().subscribe({.who = who, .room = room}, std::move(done)); }).connections,
          kOfEach);
      EXPECT_EQ(pages_of(who.user.str(), {.user = who.user, .limit = 3}).size(), kOfEach);
      EXPECT_LE(
          applied([&](auto done) { clients().unsubscribe({.who = who, .room = room}, std::move(done)); }).connections,
          kOfEach);
      EXPECT_EQ(applied([&](auto done) {
        clients().set_expiry({.who = who, .expires_at = system_clock().wall() + 1h}, std::move(done));
      }).connections,
          kOfEach);
      const auto statuses = must(answer_to<std::vector<UserStatus>>(
          [&](auto done) { clients().status({who.user, UserId{"nobody"}}, std::move(done)); }));
      EXPECT_EQ(statuses.at(0).connections, kOfEach);
      EXPECT_EQ(statuses.at(1).connections, 0U);
      EXPECT_FALSE(statuses.at(1).last_seen.has_value());
      const auto active = must(answer_to<std::vector<rooms::ActiveRoom>>(
          [&](auto done) { gateway->rooms().active("room-*", std::move(done)); }));
      EXPECT_LE(active.size(), 4U);
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(numbers().users, kUsers);
  for (std::size_t u = 0; u < kUsers; ++u)
    EXPECT_EQ(applied([&](auto done) {
      clients().disconnect({.who = {.user = UserId{"u" + std::to_string(u)}}}, std::move(done));
    }).connections,
        kOfEach);
  EXPECT_TRUE(pages_of("u1", {.user = UserId{"u1"}}).empty()); // they are closing
  for (Peer& peer : peers) peer.close();
  EXPECT_TRUE(until_there_are(0));
  const auto left =
      must(answer_to<std::vector<UserStatus>>([&](auto done) { clients().status({UserId{"u1"}}, std::move(done)); }));
  EXPECT_EQ(left.at(0).connections, 0U);
  EXPECT_TRUE(left.at(0).last_seen.has_value());
}

TEST(ConnectionText, IsSixteenHexadecimalDigits) {
  EXPECT_EQ(shown(ConnectionId{0x0100000200000003}, ""), "0100000200000003");
  EXPECT_EQ(shown(ConnectionId{0x0100000200000003}, "n1"), "0100000200000003.n1");
  const auto there = read_connection("0100000200000003.n1");
  ASSERT_TRUE(there);
  EXPECT_EQ(there->connection, ConnectionId{0x0100000200000003});
  EXPECT_EQ(there->node, "n1");
  EXPECT_EQ(read_connection("0100000200000003")->node, "");
  for (const std::string_view bad :
      {"", "1", "010000020000000", "01000002000000033", "010000020000000g", "-100000200000003"})
    EXPECT_FALSE(read_connection(bad)) << bad;
}

} // namespace
} // namespace foyer::gateway
