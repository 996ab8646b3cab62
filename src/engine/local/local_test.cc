#include <gmock/gmock.h>

#include <thread>

#include "engine/local/control_bus.h"
#include "engine/local/fanout.h"
#include "engine/testing/control_bus_contract.h"
#include "engine/testing/fanout_contract.h"

namespace foyer::engine {
namespace {

class LocalFanoutWorld final : public FanoutWorld {
 public:
  Fanout& fanout() override { return fanout_; }
  void settle() override {} // it posts at once

 private:
  LocalFanout fanout_;
};

class LocalBusWorld final : public BusWorld {
 public:
  ControlBus& bus() override { return bus_; }
  void settle() override {}

 private:
  LocalControlBus bus_{NodeId("n1")};
};

INSTANTIATE_TEST_SUITE_P(Local, FanoutContract,
    testing::Values([]() -> std::unique_ptr<FanoutWorld> { return std::make_unique<LocalFanoutWorld>(); }));
INSTANTIATE_TEST_SUITE_P(Local, ControlBusContract,
    testing::Values([]() -> std::unique_ptr<BusWorld> { return std::make_unique<LocalBusWorld>(); }));

TEST(LocalFanout, LosesNothingAndKeepsNothingOfRoomsWithoutListeners) {
  LocalFanout fanout;
  EXPECT_FALSE(fanout.may_lose());
  auto a = std::make_shared<EventListener>();
  const auto b = std::make_shared<EventListener>();
  for (const char* room : {"tea", "milk"}) fanout.subscribe(RoomName(room), a, [](Result<bool>) {});
  fanout.subscribe(RoomName("tea"), b, [](Result<bool>) {});
  EXPECT_EQ(fanout.rooms(), 2U);
  fanout.unsubscribe(RoomName("tea"), *b);
  EXPECT_EQ(fanout.rooms(), 2U);
  a.reset();
  fanout.publish(publication_at("milk", 1));
  EXPECT_EQ(fanout.rooms(), 1U);
  fanout.unsubscribe(RoomName("tea"), *b);
  EXPECT_EQ(fanout.rooms(), 0U);
}

TEST(LocalFanout, AListenerThatStaysGetsEverythingWhileOthersComeAndGo) {
  constexpr Offset kAll = 2'000;
  LocalFanout fanout;
  const auto stays = std::make_shared<EventListener>(), comes = std::make_shared<EventListener>();
  fanout.subscribe(RoomName("tea"), stays, [](Result<bool>) {});
  {
    const std::jthread publisher([&] {
      for (Offset o = 1; o <= kAll; ++o) fanout.publish(publication_at("tea", o));
    });
    const std::jthread other([&] {
      for (int i = 0; i < 500; ++i) {
        fanout.subscribe(RoomName("tea"), comes, [](Result<bool> fresh) { EXPECT_EQ(fresh, true); });
        fanout.unsubscribe(RoomName("tea"), *comes);
      }
    });
  }
  stays->tasks->run();
  EXPECT_EQ(stays->events.size(), kAll);
  EXPECT_EQ(fanout.rooms(), 1U);
}

// A listener on the publisher's thread is called at once, and may call back.
struct CallingBack final : FanoutListener {
  LocalFanout& fanout;
  int heard = 0;
  explicit CallingBack(LocalFanout& f) : fanout(f) {}
  void post(rooms::PublicationPtr) override { FAIL() << "it is on this thread"; }
  void arrived(rooms::Publication& publication) override {
    ++heard;
    fanout.unsubscribe(publication.event().room, *this);
    fanout.publish(std::make_shared<rooms::Publication>(publication.event_ptr()), this);
  }
};

TEST(LocalFanout, AListenerMayCallBackFromWhatItHears) {
  LocalFanout fanout;
  const auto listener = std::make_shared<CallingBack>(fanout);
  fanout.subscribe(RoomName("tea"), listener, [](Result<bool>) {});
  fanout.publish(publication_at("tea", 1), listener.get());
  EXPECT_EQ(listener->heard, 1);
}

} // namespace
} // namespace foyer::engine
