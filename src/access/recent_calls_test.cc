#include "access/recent_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "engine/call_records.h"

namespace foyer::access {
namespace {

struct World {
  ManualClock clock;
  Metrics metrics;
  std::optional<RecentCalls> calls{std::in_place, clock, metrics, 3};
  int works = 0;
  std::vector<Completion<std::string>> under_way;

  // "answer", "answer again", the code of a refusal, or "waits".
  using Answer = std::shared_ptr<std::string>;
  Answer begin(const std::string& key, const std::string& hash = "hash", const std::string& method = "publish") {
    const auto answer = std::make_shared<std::string>("waits");
    calls->run({"id-1", method, key}, hash, [this](Completion<std::string> done) {
      ++works;
      under_way.push_back(std::move(done));
    }, [answer](Result<CallAnswer> r) {
      *answer = r ? r->text + (r->replayed ? " again" : "") : std::string(r.error().code());
    });
    return answer;
  }
  void end(Result<std::string> answer) {
    auto done = std::move(under_way.back());
    under_way.pop_back();
    done(std::move(answer));
  }
  std::string call(const std::string& key, const std::string& hash = "hash") {
    const auto answer = begin(key, hash);
    if (!under_way.empty()) end("done " + std::to_string(works));
    return *answer;
  }
};

TEST(RecentCalls, ACallRunsOnceAndItsAnswerIsRepeated) {
  World w;
  EXPECT_EQ(w.call("k"), "done 1");
  EXPECT_EQ(w.call("k"), "done 1 again");
  EXPECT_EQ(w.call("k", "another hash"), "KEY_REUSED");
  EXPECT_EQ(w.call("k2"), "done 2");
  EXPECT_EQ(*w.begin("k", "hash", "broadcast"), "waits") << "another method: another key";
}

TEST(RecentCalls, ARepetitionWaitsForTheFirst) {
  World w;
  const auto first = w.begin("k"), second = w.begin("k"), other = w.begin("k", "another hash");
  EXPECT_EQ(*first + *second, "waitswaits");
  EXPECT_EQ(*other, "KEY_REUSED");
  w.end("done");
  EXPECT_EQ(*first + ", " + *second, "done, done again");
  EXPECT_EQ(w.works, 1);
}

TEST(RecentCalls, ARefusalIsNotKept) {
  World w;
  const auto first = w.begin("k"), second = w.begin("k");
  w.end(refuse(Cause::NOT_A_MEMBER));
  EXPECT_EQ(*first + *second, "NOT_A_MEMBERNOT_A_MEMBER");
  EXPECT_EQ(w.call("k", "another hash"), "done 2");
}

TEST(RecentCalls, TheOldestAreForgotten) {
  World w;
  EXPECT_EQ(w.call("first"), "done 1");
  w.clock.advance(engine::kCallLife);
  EXPECT_EQ(w.call("second"), "done 2");
  EXPECT_EQ(w.call("first"), "done 1 again") << "for a whole day";
  w.clock.advance(Millis{1});
  EXPECT_EQ(w.call("third"), "done 3");
  EXPECT_EQ(w.call("first"), "done 4");
  for (const char* key : {"a", "b"}) w.call(key);
  EXPECT_EQ(w.call("first"), "done 4 again");
  EXPECT_EQ(w.call("c"), "done 7");
  EXPECT_EQ(w.call("first"), "done 8") << "three newer ones ended";
}

TEST(RecentCalls, AnAnswerMayComeWhenItIsGone) {
  World w;
  const auto answer = w.begin("k");
  w.calls.reset();
  w.end("late");
  EXPECT_EQ(*answer, "late");
}

TEST(RecentCalls, RepetitionsOnManyThreadsGetOneAnswer) {
  ManualClock clock;
  Metrics metrics;
  RecentCalls calls(clock, metrics);
  std::atomic<int> works = 0, answers = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i)
        calls.run({"id-1", "publish", std::to_string(i)}, "hash", [&works, i](Completion<std::string> done) {
          ++works;
          done(std::to_string(i));
        }, [&answers, i](Result<CallAnswer> r) {
          if (r && r->text == std::to_string(i)) ++answers;
        });
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(works, 1'000);
  EXPECT_EQ(answers, 4'000);
}

} // namespace
} // namespace foyer::access
