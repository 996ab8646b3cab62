// The service with the program's threads: the control plane's, hashing
// threads, and the database's own.
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "accounts/http/routes.h"
#include "accounts/testing/accounts_world.h"
#include "engine/memory/shared_state.h"
#include "exec/control.h"
#include "store/testing/store_world.h"

namespace foyer::accounts {
namespace {

using testing_world::Answer;

struct Threads {
  foyer::testing_world::TempDir dir;
  Metrics metrics;
  exec::ControlPlane control{"control"};
  exec::WorkQueue hashing{"hashing", 2, 64, 5};
  std::unique_ptr<AccountStore> store =
      open_sqlite_store(dir.file("accounts.sqlite"), {}, system_clock(), system_entropy(), metrics, null_log()).value();
  jose::Key key = jose::Key::generate(jose::Algorithm::eddsa, system_entropy());
  store::SealKey seal = store::SealKey::from_secret("the store's key of a test with threads").value();
  SigningKeys keys{jose::Signer::make(key).value(), *store, seal, {}, run_on(control, hashing), system_clock(),
      system_entropy(), null_log()};
  engine::MemorySharedState shared{system_clock()};
  MemoryLockouts lockouts{system_clock(), {}};
  AccountService service{*store, keys, seal, testing_world::test_policy(), run_on(control, hashing), shared, lockouts,
      system_clock(), system_entropy(), null_log(), metrics};
  std::vector<Route> table = routes(service);

  ~Threads() {
    hashing.stop();
    control.stop();
  }

  std::future<Answer> send(std::string_view path, std::string body) {
    auto promise = std::make_shared<std::promise<Answer>>();
    Request request;
    request.method = "POST";
    request.path = path;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::move(body);
    request.address = "10.0.0.1";
    const auto route = std::ranges::find(table, path, &Route::path);
    route->handler(std::move(request), [promise](Response response) {
      Answer answer{.status = response.status, .headers = {}, .body = response.body};
      if (auto value = json::parse(response.body)) answer.json = value->as_object();
      promise->set_value(std::move(answer));
    });
    return promise->get_future();
  }
};

TEST(Threaded, FiftyRefreshesAtOnceAreOneFamilyWithOneSuccessor) {
  Threads w;
  w.service.start();
  const Answer in = w.send("/auth/register", R"({"name":"alice","password":"a quiet place"})").get();
  ASSERT_EQ(in.status, 201) << in.body;
  std::vector<std::future<Answer>> asked;
  for (int i = 0; i < 50; ++i)
    asked.push_back(w.send("/auth/refresh", R"({"refresh_token":")" + in.text("refresh_token") + R"("})"));
  std::set<std::string> successors;
  for (auto& one : asked) {
    const Answer answer = one.get();
    EXPECT_EQ(answer.status, 200) << answer.body;
    successors.insert(answer.text("refresh_token"));
  }
  EXPECT_EQ(successors.size(), 1u);
}

TEST(Threaded, ManyRegisterAtOnceAndASecondOfEachNameIsTaken) {
  Threads w;
  w.service.start();
  std::vector<std::future<Answer>> asked;
  for (int i = 0; i < 40; ++i)
    asked.push_back(
        w.send("/auth/register", R"({"name":"user)" + std::to_string(i % 20) + R"(","password":"a quiet place"})"));
  std::multiset<int> statuses;
  for (auto& one : asked) statuses.insert(one.get().status);
  EXPECT_EQ(statuses.count(201), 20u);
  EXPECT_EQ(statuses.count(409), 20u);
}

} // namespace
} // namespace foyer::accounts
