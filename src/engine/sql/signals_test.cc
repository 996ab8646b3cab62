#include "engine/sql/signals.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/manual_executor.h"
#include "engine/control_bytes.h"
#include "engine/node_questions.h"
#include "engine/sql/signal_bus.h"
#include "engine/sql/signal_fanout.h"
#include "engine/testing/control_bus_contract.h"
#include "engine/testing/fanout_contract.h"
#include "store/postgres.h"
#include "store/testing/postgres.h"

namespace foyer::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::seconds kPatience{60};

rooms::PublicationPtr typing(const std::string& room, const std::string& user) {
  return std::make_shared<rooms::Publication>(std::make_shared<const rooms::Event>(rooms::Event{.room = RoomName(room),
      .delivery = rooms::Delivery::ephemeral,
      .body = rooms::TypingChanged{.member = {UserId(user), user}, .on = true}}));
}

// Notes what is posted to it: "tea: ann" of who is typing, "tea@3" of the others, and the bytes of messages.
struct Notes final : FanoutListener, ControlListener {
  std::vector<std::string> all; // posted on the thread of the test
  void post(rooms::PublicationPtr publication) override {
    const rooms::Event& event = publication->event();
    const auto* typing = std::get_if<rooms::TypingChanged>(&event.body);
    all.push_back(
        event.room.str() + (typing == nullptr ? "@" + std::to_string(event.offset) : ": " + typing->member.id.str()));
  }
  void arrived(rooms::Publication&) override { ADD_FAILURE() << "nobody publishes on this thread"; }
  void post(std::shared_ptr<const ControlMessage> message) override { all.push_back(to_bytes(*message)); }
  void received(const ControlMessage&) override { ADD_FAILURE() << "nobody sends on this thread"; }
};

class Node {
 public:
  Node(std::string url, const std::string& id)
      : url_(std::move(url)),
        bus_(signals_of(url_, id, *this), executor, clock) {
    connect();
    read();
  }
  void connect() {
    reading_.reset();
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!reading_ && std::chrono::steady_clock::now() < end)
      if (auto opened = store::postgres_reader({.url = url_})()) reading_ = std::move(*opened);
    signals().began_anew();
  }
  // One round, as of the thread that reads; false: the connection is lost.
  bool read() { return signals().read(*reading_, clock.mono()).has_value(); }
  bool read_until(const std::function<bool()>& holds) {
    for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;) {
      if (!read()) connect();
      if (holds()) return true;
    }
    return false;
  }
  [[nodiscard]] std::vector<std::string> heard() const {
    std::vector<std::string> out;
    for (const NodeId& each : bus_.heard()) out.push_back(each.str());
    return out;
  }
  Signals& signals() { return *signals_; }
  SignalFanout& fanout() { return fanout_; }
  SignalBus& bus() { return bus_; }
  std::uint64_t counted(std::string_view name) { return metrics_.counter(name, "").value(); }
  ManualClock clock;
  ManualExecutor executor{clock};
  std::atomic<int> committed{0};

 private:
  static std::shared_ptr<Signals> signals_of(const std::string& url, const std::string& id, Node& node) {
    auto opened = open_postgres_signals({.url = url}, {.node = NodeId(id), .committed = [&node] { ++node.committed; }},
        system_clock(), node.metrics_, null_log());
    if (!opened) throw std::runtime_error(opened.error().operator_text());
    node.signals_ = std::move(*opened);
    return node.signals_;
  }

  const std::string url_;
  Metrics metrics_;
  std::shared_ptr<Signals> signals_;
  SignalBus bus_;
  SignalFanout fanout_{signals_};
  std::unique_ptr<store::Database> reading_;
};

// Everything that `from` has sent arrives at `to`.
void settle(Node& from, Node& to) {
  static int markers = 0;
  const std::string marker = "marker" + std::to_string(++markers);
  const auto notes = std::make_shared<Notes>();
  to.fanout().subscribe(RoomName(marker), notes, [](Result<bool>) {});
  from.fanout().publish(typing(marker, "x"));
  ASSERT_TRUE(to.read_until([&] { return !notes->all.empty(); }));
  to.fanout().unsubscribe(RoomName(marker), *notes);
}

class SignalFanoutWorld final : public FanoutWorld {
 public:
  Fanout& fanout() override { return node_.fanout(); }
  void settle() override {
    engine::settle(node_, other_);
    engine::settle(other_, node_);
  }

 private:
  const std::string url_ = testing_world::Postgres::shared().fresh();
  Node node_{url_, "n1"}, other_{url_, "n2"};
};
INSTANTIATE_TEST_SUITE_P(Postgres, FanoutContract,
    testing::Values([]() -> std::unique_ptr<FanoutWorld> { return std::make_unique<SignalFanoutWorld>(); }));

class SignalBusWorld final : public BusWorld {
 public:
  ControlBus& bus() override { return node_.bus(); }
  void settle() override {
    engine::settle(node_, other_);
    engine::settle(other_, node_);
  }

 private:
  const std::string url_ = testing_world::Postgres::shared().fresh();
  Node node_{url_, "n1"}, other_{url_, "n2"};
};
INSTANTIATE_TEST_SUITE_P(Postgres, ControlBusContract,
    testing::Values([]() -> std::unique_ptr<BusWorld> { return std::make_unique<SignalBusWorld>(); }));

struct SignalsTest : testing::Test {
  testing_world::Postgres& server = testing_world::Postgres::shared();
  const std::string url = server.fresh();
  Node a{url, "a"}, b{url, "b"}, c{url, "c"};
  std::shared_ptr<Notes> notes = std::make_shared<Notes>();

  bool meet() {
    for (Node* node : {&a, &b, &c}) node->bus().sing();
    return a.read_until([&] { return a.heard().size() == 2; }) && b.read_until([&] { return b.heard().size() == 2; }) &&
        c.read_until([&] { return c.heard().size() == 2; });
  }
  std::string asked(const std::string& question) {
    auto db = store::postgres_reader({.url = url})();
    EXPECT_TRUE(db) << db.error().operator_text();
    auto rows = (*db)->query(question);
    EXPECT_TRUE(rows && rows->step().value());
    return rows->text(0);
  }
};

TEST_F(SignalsTest, EphemeralEventsReachOtherNodesInOrderAndHistoryIsLeftToTheRecord) {
  EXPECT_TRUE(a.fanout().may_lose());
  b.fanout().subscribe(RoomName("tea"), notes, [](Result<bool> first) { EXPECT_TRUE(first.value()); });
  std::vector<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    a.fanout().publish(typing("tea", "u" + std::to_string(i)));
    a.fanout().publish(typing("milk", "nobody listens"));
    a.fanout().publish(publication_at("tea", static_cast<Offset>(i + 1)));
    expected.push_back("tea: u" + std::to_string(i));
  }
  settle(a, b);
  EXPECT_EQ(notes->all, expected);
  EXPECT_GE(a.committed, 1);
  EXPECT_LT(std::stoi(asked("SELECT count(*) FROM signals WHERE sender = 'a'")), 1'000) << "many in one row";
}

TEST_F(SignalsTest, EveryMessageReachesTheOtherNodesOnceAndInOrder) {
  ASSERT_TRUE(meet());
  const auto of_c = std::make_shared<Notes>();
  b.bus().listen(notes);
  c.bus().listen(of_c);
  const Selection who{.user = UserId("ann"), .keep = {1}};
  const std::vector<ControlMessage> messages{MemberAdded{RoomName("tea"), UserId("ann")},
      Disconnect{.who = who, .code = 4'000, .reason = "why"}, Unsubscribe{.who = who, .room = RoomName("tea")},
      Subscribe{.who = who, .room = RoomName("tea"), .limit = 5}, ToUser{UserId("bob"), typing("tea", "ann")},
      SetExpiry{.who = who, .expires_at = from_unix_millis(1'700'000'000'000)}};
  std::vector<std::string> expected;
  for (const auto& message : messages) {
    expected.push_back(to_bytes(message));
    EXPECT_TRUE(a.bus().send(message, {}));
  }
  for (Node* node : {&b, &c}) settle(a, *node);
  EXPECT_EQ(notes->all, expected);
  EXPECT_EQ(of_c->all, expected);
  EXPECT_EQ(b.signals().counts().unreadable, 0U);
}

TEST_F(SignalsTest, AMessageForOneNodeIsReceivedThereAlone) {
  ASSERT_TRUE(meet());
  const auto of_a = std::make_shared<Notes>(), of_c = std::make_shared<Notes>();
  a.bus().listen(of_a);
  b.bus().listen(notes);
  c.bus().listen(of_c);
  const Evict evict{RoomName("tea"), UserId("ann")};
  EXPECT_TRUE(a.bus().send(evict, {.to = NodeId("b")}));
  EXPECT_FALSE(a.bus().send(evict, {.to = NodeId("x")}));
  for (Node* node : {&b, &c}) settle(a, *node);
  EXPECT_THAT(notes->all, ElementsAre(to_bytes(evict)));
  EXPECT_THAT(of_a->all, IsEmpty());
  EXPECT_THAT(of_c->all, IsEmpty());
}

TEST_F(SignalsTest, ANodeIsKnownWhileItIsHeardAndSingsEverySecond) {
  ASSERT_TRUE(meet());
  EXPECT_THAT(a.heard(), ElementsAre("b", "c"));
  a.clock.advance(kSignalSilence + Millis{1});
  a.read();
  EXPECT_THAT(a.heard(), IsEmpty());
  EXPECT_FALSE(a.bus().send(RevocationsChanged{}, {.to = NodeId("b")}));
  b.clock.advance(kSignalCanary);
  b.executor.run_repeated();
  ASSERT_TRUE(a.read_until([&] { return a.heard() == std::vector<std::string>{"b"}; }));
}

// A transaction that stays open holds back the number from which rows are read.
TEST_F(SignalsTest, WhatIsReadAgainIsNotDeliveredAgain) {
  auto old = store::open_postgres({.url = url, .isolation = store::Isolation::read_committed});
  ASSERT_TRUE(old);
  ASSERT_TRUE((*old)->begin(store::Begin::write));
  ASSERT_TRUE((*old)->change("INSERT INTO facts (name, value) VALUES ('x', 'y')"));
  b.fanout().subscribe(RoomName("tea"), notes, [](Result<bool>) {});
  a.fanout().publish(typing("tea", "ann"));
  settle(a, b);
  a.fanout().publish(typing("tea", "bob"));
  for (int i = 0; i < 3; ++i) settle(a, b);
  EXPECT_THAT(notes->all, ElementsAre("tea: ann", "tea: bob"));
  EXPECT_EQ(b.signals().counts().lost, 0U);
}

TEST_F(SignalsTest, AMissingRowIsNoticed) {
  settle(a, b);
  b.bus().listen(notes);
  ASSERT_EQ(asked("WITH n AS (INSERT INTO signals (sender, number, bytes) VALUES ('a', 1000, '') RETURNING 1) SELECT "
                  "count(*) FROM n"),
      "1");
  ASSERT_TRUE(b.read_until([&] { return !notes->all.empty(); }));
  EXPECT_THAT(notes->all, ElementsAre(to_bytes(RevocationsChanged{})));
  EXPECT_EQ(b.signals().counts().unreadable, 1U);
  EXPECT_EQ(b.counted("foyer_signals_lost_total"), b.signals().counts().lost);
  EXPECT_GE(b.counted("foyer_signals_lost_total"), 1U);
}

TEST_F(SignalsTest, WhatIsTooLargeIsNotSent) {
  EXPECT_FALSE(a.signals().send(SignalKind::event, {}, std::string(kMostSignalBytes + 1, 'x')));
  EXPECT_EQ(a.signals().counts().unsent, 1U);
  EXPECT_EQ(a.counted("foyer_signals_unsent_total"), 1U);
  std::size_t sent = 0;
  while (sent < 1'000 && a.signals().send(SignalKind::event, NodeId("x"), std::string(kMostSignalBytes, 'x'))) ++sent;
  EXPECT_LT(sent, 1'000U) << "more than can be written";
  b.fanout().subscribe(RoomName("tea"), notes, [](Result<bool>) {});
  ASSERT_TRUE(b.read_until([&] {
    a.fanout().publish(typing("tea", "ann"));
    return !notes->all.empty();
  })) << "it goes on";
}

TEST_F(SignalsTest, OldRowsAndTooManyAreDeleted) {
  settle(a, b);
  ASSERT_EQ(asked("WITH n AS (INSERT INTO signals (sender, number, bytes) SELECT 'x', i, '' FROM generate_series(1, " +
                std::to_string(kMostSignalRows + 10) + ") i RETURNING 1) SELECT count(*) FROM n"),
      std::to_string(kMostSignalRows + 10));
  settle(a, b);
  Metrics metrics;
  ManualClock clock;
  ManualExecutor executor(clock);
  const auto opened =
      open_postgres_signals({.url = url}, {.node = NodeId("d"), .executor = &executor}, clock, metrics, null_log());
  ASSERT_TRUE(opened);
  const auto upkeep = [&] { // after a signal
    (*opened)->send(SignalKind::canary, {}, {});
    executor.run_posted();
    clock.advance(kSignalTrim);
  };
  upkeep();
  EXPECT_EQ(asked("SELECT count(*) FROM signals WHERE sender = 'x'"), "0") << "one transaction, older than the newest";
  EXPECT_NE(asked("SELECT count(*) FROM signals WHERE sender = 'a'"), "0");
  for (Millis time{0}; time <= kTailKept + kSignalTrim; time += kSignalTrim) upkeep();
  EXPECT_EQ(asked("SELECT count(*) FROM signals WHERE sender = 'a'"), "0");
}

struct QuestionsTest : SignalsTest {
  std::shared_ptr<NodeQuestions> of_a = questions(a, {"b", "c"}), of_b = questions(b, {"a", "c"}),
                                 of_c = questions(c, {"a", "b"});
  std::optional<std::string> answer;

  static std::shared_ptr<NodeQuestions> questions(Node& node, std::vector<const char*> others) {
    const auto out = std::make_shared<NodeQuestions>(node.bus(), node.executor,
        [others = std::move(others)] { return std::optional(std::vector<NodeId>(others.begin(), others.end())); });
    out->answer(
        Question::rooms, [name = node.bus().node().str()](std::string_view question, NodeQuestions::Reply reply) {
      reply(name + " on " + std::string(question));
    });
    out->listen();
    return out;
  }
  // a asks; then the answer is "b: b on tea, missing c".
  void ask(std::string question, NodeQuestions::Which which = {}, Question kind = Question::rooms) {
    answer.reset();
    of_a->ask(kind, std::move(which), std::move(question), [this](const NodeAnswers& answers) {
      answer.emplace();
      for (const auto& [node, bytes] : answers.given)
        *answer += (answer->empty() ? "" : ", ") + node.str() + ": " +
            (bytes.size() < 100 ? bytes : std::to_string(bytes.size()) + " bytes");
      for (const NodeId& node : answers.missing) *answer += (answer->empty() ? "missing " : ", missing ") + node.str();
    });
    a.executor.run_posted();
  }
  static bool turn(Node& node) {
    const bool read = node.read();
    node.executor.run_posted();
    return read;
  }
  std::string said(std::string question, NodeQuestions::Which which = {}, Question kind = Question::rooms) {
    ask(std::move(question), std::move(which), kind);
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
        !answer && std::chrono::steady_clock::now() < end;)
      for (Node* node : {&b, &c, &a}) EXPECT_TRUE(turn(*node));
    return answer.value_or("nothing");
  }
};

TEST_F(QuestionsTest, AllOthersAnswerOrThoseWhoAreMeant) {
  ASSERT_TRUE(meet());
  EXPECT_EQ(said("tea"), "b: b on tea, c: c on tea");
  EXPECT_EQ(said("tea", [](const NodeId& node) { return node.view() == "c"; }), "c: c on tea");
  EXPECT_EQ(said("tea", [](const NodeId&) { return false; }), "");
  EXPECT_EQ(said("tea", {}, static_cast<Question>(200)), "missing b, missing c") << "a question of a later release";
}

TEST_F(QuestionsTest, ALongAnswerComesInPartsAndATooLongOneIsMissing) {
  ASSERT_TRUE(meet());
  const std::string part(kAnswerPartBytes, 'x');
  of_b->answer(Question::room, [&](std::string_view, NodeQuestions::Reply reply) { reply(part + part + "end"); });
  of_c->answer(Question::room,
      [](std::string_view, NodeQuestions::Reply reply) { reply(std::string(kMostNodeAnswerBytes + 1, 'x')); });
  EXPECT_EQ(said("tea", {}, Question::room), "b: " + std::to_string(2 * kAnswerPartBytes + 3) + " bytes, missing c");
  EXPECT_EQ(said(std::string(kMostQuestionBytes + 1, 'x')), "missing b, missing c") << "it is not asked";
}

TEST_F(QuestionsTest, WhoeverDoesNotAnswerIsMissingByName) {
  ASSERT_TRUE(meet());
  ask("tea");
  settle(a, b);
  b.executor.run_posted();
  settle(b, a);
  a.executor.run_posted();
  a.clock.advance(kAnswerWait - Millis{1});
  a.executor.run_due();
  EXPECT_FALSE(answer) << "c may still answer";
  a.clock.advance(Millis{1});
  a.executor.run_due();
  EXPECT_EQ(answer, "b: b on tea, missing c");
  EXPECT_EQ(said("milk"), "b: b on milk, c: c on milk") << "a late answer is not one to the next question";
}

TEST(SignalsAfterACrash, TheTableIsEmptyAndNodesGoOn) {
  testing_world::Postgres server; // its own: the test ends it
  server.start();
  const std::string url = server.fresh();
  Node a(url, "a"), b(url, "b");
  const auto notes = std::make_shared<Notes>();
  settle(a, b);
  b.bus().listen(notes);
  server.kill();
  a.fanout().publish(typing("tea", "ann"));
  server.start(); // whatever its processes still did meanwhile
  b.fanout().subscribe(RoomName("tea"), notes, [](Result<bool>) {});
  ASSERT_TRUE(b.read_until([&] {
    a.fanout().publish(typing("tea", "bob"));
    return std::ranges::find(notes->all, "tea: bob") != notes->all.end();
  }));
  EXPECT_EQ(notes->all[0], to_bytes(RevocationsChanged{})) << "something was lost";
}

} // namespace
} // namespace foyer::engine
