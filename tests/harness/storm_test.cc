// Many users do anything in any order, on several loops whose turns are mixed at
// random, with a store that is sometimes slow and a server that is sometimes
// killed. Whatever happens, what docs/protocol.md promises must hold:
//
//   - every connection sees a joined room's messages without gap or repeat, and
//     everybody sees the same message at the same offset;
//   - what was answered `sent` is in the history afterwards, once;
//   - nothing of a room reaches a connection that has not joined it, has left it,
//     or whose user was removed from it, and nobody else's own room reaches anyone;
//   - when all is quiet, exactly those who are joined are present.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "base/json.h"
#include "harness/invariants.h"
#include "harness/node.h"
#include "harness/peer.h"
#include "harness/recording.h"

using namespace foyer;
using namespace foyer::harness;

namespace {

constexpr std::size_t kLoops = 3;
constexpr std::size_t kUsers = 5;
constexpr int kSteps = 1500;
const std::vector<std::string> kRooms{"tea", "cocoa", "private:plan", "own"};

struct Seat { // of a connection in a room
  bool live = false;
  std::int64_t offset = 0;
};

struct Client {
  std::unique_ptr<Peer> peer;
  std::string user;
  std::size_t loop = 0;
  std::map<std::string, Seat> seats;
  std::map<std::int64_t, std::pair<std::string, std::string>> said; // by id: room, text
  bool admitted = false;
};

enum class Turns : std::uint8_t {
  mixed, // single turns of single loops, in any order
  all,   // every step runs until nothing is left to do, so its course does not depend on what a turn is
};

class Storm {
 public:
  Storm(std::uint64_t seed, Turns turns)
      : name_(fmt::format("{}-{}", turns == Turns::all ? "calm" : "storm", seed)),
        turns_(turns),
        random_(seed),
        node_({{"loops", std::to_string(kLoops)}, {"messages_burst", "100000"}, {"address_handshakes", "100000"}}) {
    node_.on_pump([this] { return listen(); });
  }

  void run() {
    for (int i = 0; i < kSteps && !testing::Test::HasFailure(); ++i) {
      recording_.step(fmt::format("step {}", i));
      step();
    }
    recording_.step("the end");
    look();
    recording_.write_if_asked(name_);
  }

 private:
  void look() {
    settle();
    check_presence();
    check_history();
    invariants_.at_rest();
    EXPECT_THAT(invariants_.faults(), testing::IsEmpty());
    EXPECT_GT(invariants_.messages(), 100U);
    EXPECT_GT(heard_["sent"], 50) << "a storm in which little happened shows little";
    EXPECT_GT(heard_["message"], 50);
    EXPECT_GT(heard_["joined"], 20);
  }

  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  bool chance(int percent) { return pick(100) < static_cast<std::size_t>(percent); }
  static std::string user(std::size_t i) { return fmt::format("user{}", i); }
  std::string room_for(const std::string& who) {
    const std::string& room = kRooms[pick(kRooms.size())];
    return room == "own" ? "user:" + who : room;
  }

  void step() {
    mix();
    if (clients_.empty() || (clients_.size() < 2 * kUsers && chance(8))) return connect();
    if (chance(1) && chance(15)) return kill();
    Client& client = *clients_[pick(clients_.size())];
    if (!client.admitted) return;
    switch (pick(12)) {
      case 0: return join(client, room_for(client.user));
      case 1: return join(client, room_for(chance(20) ? user(pick(kUsers)) : client.user));
      case 2: return send(client, fmt::format(R"({{"type":"leave","room":"{}"}})", room_for(client.user)));
      case 3: return send(client, fmt::format(R"({{"type":"create","room":"private:plan"}})"));
      case 4:
        return send(
            client, fmt::format(R"({{"type":"invite","room":"private:plan","user":"{}"}})", user(pick(kUsers))));
      case 5:
        return chance(40)
            ? send(client, fmt::format(R"({{"type":"remove","room":"private:plan","user":"{}"}})", user(pick(kUsers))))
            : void();
      case 6: return chance(20) ? leave_world(client) : void();
      case 7: return node_.set_disk(chance(50) ? Disk::stalled : Disk::well);
      default: return chat(client);
    }
  }

  // Lets some of what is under way happen, in some order.
  void mix() {
    if (chance(10)) return node_.advance(Millis{static_cast<std::int64_t>(pick(3000))});
    if (turns_ == Turns::all || chance(20)) return node_.pump();
    for (std::size_t n = pick(6); n > 0; --n) {
      if (chance(25))
        node_.turn_disk();
      else
        node_.turn(pick(kLoops));
    }
    listen();
  }

  void connect() {
    auto client = std::make_unique<Client>();
    client->user = user(pick(kUsers));
    client->loop = pick(kLoops);
    client->peer = std::make_unique<Peer>(node_.network().connect(client->loop));
    const std::string name = fmt::format("{}-{}", client->user, ++connections_);
    client->peer->watched_by(invariants_, name);
    client->peer->recorded_in(recording_, name);
    client->peer->handshake("/ws/chat?features=data",
        {{"Authorization", "Bearer " + node_.token({.user = client->user, .lives = Millis{24 * 3'600'000}}).text}});
    clients_.push_back(std::move(client));
  }

  void leave_world(Client& client) {
    if (chance(50))
      client.peer->vanish();
    else
      client.peer->send_close(1000);
    // What it would still hear is nobody's business.
    gone_.push_back(std::move(client.peer));
    std::erase_if(clients_, [](const auto& c) { return c->peer == nullptr; });
  }

  void kill() {
    node_.set_disk(Disk::well);
    node_.restart(false);
    clients_.clear();
    gone_.clear();
  }

  void send(Client& client, std::string_view text) { client.peer->send_text(text); }

  void join(Client& client, const std::string& room) {
    const Seat& seat = client.seats[room];
    const auto epoch = epochs_.find(room);
    if (epoch != epochs_.end() && chance(60)) {
      const auto known =
          chance(50) ? seat.offset : static_cast<std::int64_t>(pick(static_cast<std::size_t>(last_[room]) + 1));
      return send(client,
          fmt::format(R"({{"type":"join","id":{},"room":"{}","since":{{"epoch":"{}","offset":{}}}}})", ++ids_, room,
              epoch->second, known));
    }
    send(client, fmt::format(R"({{"type":"join","id":{},"room":"{}","limit":{}}})", ++ids_, room, pick(10)));
  }

  void chat(Client& client) {
    const std::string room = room_for(client.user);
    const auto id = ++ids_;
    const std::string text = fmt::format("{} says {}", client.user, id);
    if (chance(25)) {
      const std::string data = fmt::format(R"({{"by":"{}","n":{}}})", client.user, id);
      client.said[id] = {room, data};
      return send(
          client, fmt::format(R"({{"type":"publish","id":{},"room":"{}","data":{},"key":"k{}"}})", id, room, data, id));
    }
    client.said[id] = {room, text};
    send(
        client, fmt::format(R"({{"type":"chat","id":{},"room":"{}","message":"{}","key":"k{}"}})", id, room, text, id));
  }

  // ---- what is heard

  bool listen() {
    bool did = false;
    for (const auto& peer : gone_) did = peer->read() || did;
    for (const auto& client : clients_) {
      did = client->peer->read() || did;
      EXPECT_EQ(client->peer->trouble, "");
      while (!client->peer->messages.empty()) {
        const std::string text = std::move(client->peer->messages.front());
        client->peer->messages.pop_front();
        hear(*client, text);
      }
    }
    std::erase_if(clients_, [](const auto& c) { return c->peer->closed.has_value(); });
    return did;
  }

  void hear(Client& client, const std::string& text) {
    const auto parsed = json::parse(text);
    ASSERT_TRUE(parsed) << text;
    const json::Object& message = parsed->as_object();
    const std::string type(json::get_string(message, "type").value_or(""));
    const std::string room(json::get_string(message, "room").value_or(""));
    ++heard_[type];
    if (type == "authentication_success") client.admitted = true;
    if (!room.empty() && room.starts_with("user:")) {
      ASSERT_EQ(room.substr(5), client.user) << text;
    }
    if (type == "joined") return joined(client, room, message, text);
    if (type == "message") return published(client, room, message, text);
    if (type == "sent") return sent(client, room, message, text);
    if (type == "left" || type == "room_removed") client.seats[room].live = false;
    if (type == "member_joined" || type == "member_left" || type == "members_changed") {
      ASSERT_TRUE(client.seats[room].live) << client.user << " heard " << text;
    }
  }

  void joined(Client& client, const std::string& room, const json::Object& message, const std::string& text) {
    Seat& seat = client.seats[room];
    seat.live = true;
    know_epoch(room, message, text);
    std::int64_t before = 0;
    for (const auto& row : message.at("messages").as_array()) {
      const auto offset = *json::get_int(row.as_object(), "offset");
      if (before != 0) {
        ASSERT_EQ(offset, before + 1) << text;
      }
      before = offset;
      know(room, row.as_object(), text);
    }
    const auto end = *json::get_int(message, "offset");
    if (before != 0) {
      ASSERT_EQ(before, end) << text;
    }
    seat.offset = end;
  }

  void published(Client& client, const std::string& room, const json::Object& message, const std::string& text) {
    Seat& seat = client.seats[room];
    ASSERT_TRUE(seat.live) << client.user << " is not in the room and heard " << text;
    ASSERT_EQ(json::get_int(message, "offset"), seat.offset + 1) << client.user << " heard " << text;
    ++seat.offset;
    know_epoch(room, message, text);
    know(room, message, text);
  }

  void sent(Client& client, const std::string& room, const json::Object& message, const std::string& text) {
    const auto said = client.said.find(*json::get_int(message, "id"));
    ASSERT_NE(said, client.said.end()) << text;
    ASSERT_EQ(said->second.first, room) << text;
    ASSERT_EQ(json::get_bool(message, "duplicate"), false) << text;
    know_epoch(room, message, text);
    const auto offset = *json::get_int(message, "offset");
    const auto [known, fresh] = truth_[room].try_emplace(offset, said->second.second);
    ASSERT_EQ(known->second, said->second.second) << text;
    last_[room] = std::max(last_[room], offset);
    client.said.erase(said);
  }

  void know_epoch(const std::string& room, const json::Object& message, const std::string& text) {
    const std::string epoch(*json::get_string(message, "epoch"));
    const auto [known, fresh] = epochs_.try_emplace(room, epoch);
    // A private room that lost its last member is another one when it is made again; so is an empty room without
    // messages.
    if (known->second != epoch) {
      ASSERT_TRUE(room == "private:plan" || last_[room] == 0) << text;
      known->second = epoch;
      truth_[room].clear();
      last_[room] = 0;
    }
  }

  static std::string body_of(const json::Object& row) {
    if (const auto* data = row.if_contains("data")) return json::write(*data);
    return std::string(*json::get_string(row, "message"));
  }

  void know(const std::string& room, const json::Object& row, const std::string& text) {
    const auto offset = *json::get_int(row, "offset");
    const std::string said = body_of(row);
    const auto [known, fresh] = truth_[room].try_emplace(offset, said);
    ASSERT_EQ(known->second, said) << text;
    last_[room] = std::max(last_[room], offset);
  }

  // ---- at the end

  void settle() {
    node_.set_disk(Disk::well);
    node_.pump();
    node_.advance(Millis{60'000}); // pings find the dead, the grace passes
  }

  void check_presence() {
    for (const std::string room : {"tea", "cocoa"}) {
      std::set<std::string> present;
      for (const auto& client : clients_)
        if (client->seats[room].live) present.insert(client->user);
      Peer& observer = observe(fmt::format(R"({{"type":"presence","room":"{}"}})", room));
      ASSERT_FALSE(observer.messages.empty());
      const auto answer = json::parse(observer.messages.back())->as_object();
      std::set<std::string> told;
      for (const auto& member : answer.at("members").as_array())
        told.insert(std::string(*json::get_string(member.as_object(), "id")));
      EXPECT_EQ(told, present) << room;
    }
  }

  void check_history() {
    for (const std::string room : {"tea", "cocoa"}) {
      std::map<std::int64_t, std::string> kept;
      for (std::int64_t before = last_[room] + 1; before > 1;) {
        Peer& observer =
            observe(fmt::format(R"({{"type":"history","room":"{}","before":{},"limit":300}})", room, before));
        ASSERT_FALSE(observer.messages.empty());
        const auto page = json::parse(observer.messages.back())->as_object().at("messages").as_array();
        ASSERT_FALSE(page.empty());
        for (const auto& row : page) kept[*json::get_int(row.as_object(), "offset")] = body_of(row.as_object());
        before = *json::get_int(page.front().as_object(), "offset");
      }
      for (const auto& [offset, text] : truth_[room]) EXPECT_EQ(kept[offset], text) << room << " " << offset;
      EXPECT_EQ(kept.size(), static_cast<std::size_t>(last_[room])) << room;
      std::set<std::string> once;
      for (const auto& [offset, text] : kept) EXPECT_TRUE(once.insert(text).second) << text << " is there twice";
    }
  }

  Peer& observe(std::string_view command) {
    observer_ = std::make_unique<Peer>(node_.network().connect(0));
    observer_->recorded_in(recording_, "observer");
    observer_->handshake(
        "/ws/chat?features=data", {{"Authorization", "Bearer " + node_.token({.user = "observer"}).text}});
    observer_->send_text(command);
    for (int i = 0; i < 3; ++i) {
      node_.pump();
      observer_->read();
    }
    return *observer_;
  }

  std::string name_;
  Turns turns_;
  Recording recording_; // both outlive the peers
  Invariants invariants_;
  int connections_ = 0;
  std::mt19937_64 random_;
  Node node_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Peer>> gone_;
  std::unique_ptr<Peer> observer_;
  std::map<std::string, std::map<std::int64_t, std::string>> truth_;
  std::map<std::string, std::int64_t> last_;
  std::map<std::string, std::string> epochs_;
  std::map<std::string, int> heard_; // by type
  std::int64_t ids_ = 0;
};

} // namespace

class StormTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(StormTest, WhateverHappensThePromisesHold) { Storm(GetParam(), Turns::mixed).run(); }

TEST_P(StormTest, WhateverHappensThePromisesHoldAlsoWhenEveryStepComesToRest) { Storm(GetParam(), Turns::all).run(); }

// More storms than the usual sixteen: STORMS=500 harness_test --gtest_filter='*Storm*'
std::uint64_t storms() {
  const char* asked = std::getenv("STORMS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 16;
}

INSTANTIATE_TEST_SUITE_P(Seeds, StormTest, testing::Range<std::uint64_t>(1, storms() + 1));
