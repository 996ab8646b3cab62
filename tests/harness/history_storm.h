// Clients that behave as ours do, over a store that loses answers, cannot be read for a while,
// and whose data goes back: copies that are put back, under a server that runs or between two.
// Whatever happens, the promises of invariants.h hold, and in the end everybody who is in a room
// has all of it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"
#include "harness/invariants.h"
#include "harness/node.h"
#include "harness/peer.h"
#include "harness/recording.h"

namespace foyer::harness {

enum class Trouble : std::uint8_t {
  copies,   // the whole directory is put back: only clients can tell, by the time of what they have
  database, // the database without its witness is put back, also under a running server
  answers,  // answers to COMMIT are lost, and reads fail
};

class HistoryStorm {
 public:
  HistoryStorm(std::uint64_t seed, Trouble trouble)
      : trouble_(trouble),
        random_(seed),
        node_({{"loops", "2"}, {"messages_burst", "100000"}, {"address_handshakes", "100000"}}) {
    node_.on_pump([this] { return listen(); });
    for (std::size_t i = 0; i < kClients; ++i)
      clients_.push_back(std::make_unique<Client>(Client{.name = fmt::format("client{}", i)}));
  }

  void run() {
    for (int i = 0; i < kSteps && invariants_.faults().empty(); ++i) {
      recording_.step(fmt::format("step {}", i));
      step();
    }
    recording_.step("the end");
    all_is_well();
    check();
  }
  [[nodiscard]] const Recording& recording() const { return recording_; }
  [[nodiscard]] int went_back() const { return went_back_; }
  [[nodiscard]] int recovered() const { return recovered_; }
  [[nodiscard]] int not_recovered() const { return not_recovered_; }
  [[nodiscard]] int closed() const { return closed_; }
  [[nodiscard]] int resets() const { return resets_; }

 private:
  static constexpr std::size_t kClients = 5;
  static constexpr int kSteps = 250;
  static constexpr const char* kRoom = "tea";

  struct Client {
    std::string name;
    std::unique_ptr<Peer> peer = {};
    bool admitted = false, live = false, joining = false;
    std::string epoch = {}, time = {};
    std::int64_t offset = 0;
    std::map<std::int64_t, std::string> has = {};   // of this epoch, without a gap up to `offset`
    std::map<std::string, std::string> unsent = {}; // by key: what was not answered yet
  };

  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  bool chance(int percent) { return pick(100) < static_cast<std::size_t>(percent); }

  void step() {
    for (auto& client : clients_)
      if (!client->peer && chance(30)) connect(*client);
    Client& client = *clients_[pick(clients_.size())];
    switch (pick(10)) {
      case 0:
        if (chance(60)) hang_up(client);
        break;
      case 1: make_trouble(); break;
      case 2: node_.advance(Millis{static_cast<std::int64_t>(pick(3'000))}); break;
      case 3:
        if (chance(30)) restart();
        break;
      default: say(client);
    }
    if (chance(70)) node_.pump();
    retry();
  }

  void make_trouble() {
    if (trouble_ == Trouble::answers) {
      switch (pick(6)) {
        case 0: return node_.lose_answers(1 + pick(2));
        case 4: return unheard_for_long();
        case 1: return node_.reads_fail(true);
        case 2: return node_.reads_fail(false);
        case 3: return node_.store_opens_again();
        default: return node_.advance(Millis{static_cast<std::int64_t>(pick(12'000))});
      }
    }
    if (!copied_ || chance(40)) {
      copied_ = node_.copy_data();
      return;
    }
    if (chance(50)) return;
    if (trouble_ == Trouble::database && chance(60)) return put_back_beneath();
    ++went_back_;
    node_.pump();
    forget_connections();
    node_.put_back(trouble_ == Trouble::copies);
    invariants_.went_back(*copied_);
  }

  void put_back_beneath() {
    node_.put_back_beneath();
    invariants_.went_back(*copied_);
    ++went_back_;
  }

  // A message is stored and not heard of, others come behind it, and nothing can be read for a while.
  void unheard_for_long() {
    node_.pump();
    const auto one = std::ranges::find_if(clients_, [](const auto& c) { return c->admitted; });
    if (one == clients_.end()) return;
    node_.lose_answers(1);
    say(**one);
    send_unanswered(**one);
    node_.pump();
    hang_up(**one); // it repeats the message when it is back
    node_.reads_fail(true);
    retry();
    for (auto& client : clients_)
      if (client->admitted) say(*client);
    retry();
    node_.advance(Millis{static_cast<std::int64_t>(pick(16'000))});
    node_.reads_fail(false);
  }

  void restart() {
    node_.pump();
    forget_connections();
    node_.restart(chance(50));
  }

  void forget_connections() {
    for (auto& client : clients_) hang_up(*client);
  }

  void connect(Client& client) {
    client.peer = std::make_unique<Peer>(node_.network().connect(pick(2)));
    client.peer->watched_by(invariants_, client.name);
    client.peer->recorded_in(recording_, client.name);
    const std::string path = chance(50) ? "/ws/chat?features=room_reset" : "/ws/chat";
    client.peer->handshake(path,
        {{"Authorization", "Bearer " + node_.token({.user = client.name, .lives = Millis{24 * 3'600'000}}).text}});
  }

  void hang_up(Client& client) {
    if (client.peer) client.peer->vanish();
    client.peer.reset();
    client.admitted = client.live = client.joining = false;
  }

  void join(Client& client) {
    client.joining = true;
    if (client.epoch.empty())
      return client.peer->send_text(fmt::format(R"({{"type":"join","id":{},"room":"{}","limit":300}})", ++ids_, kRoom));
    const std::string time = client.time.empty() ? "" : fmt::format(R"(,"time":"{}")", client.time);
    client.peer->send_text(
        fmt::format(R"({{"type":"join","id":{},"room":"{}","limit":300,"since":{{"epoch":"{}","offset":{}{}}}}})",
            ++ids_, kRoom, client.epoch, client.offset, time));
  }

  void say(Client& client) {
    if (!client.admitted) return;
    const auto number = ++said_;
    client.unsent[fmt::format("k{}", number)] = fmt::format("{} says {}", client.name, number);
    node_.advance(Millis{1}); // no two messages of one moment
  }

  // Everything that was not answered, under its key.
  void retry() {
    for (auto& client : clients_) {
      if (!client->admitted) continue;
      if (!client->live && !client->joining) join(*client);
      send_unanswered(*client);
    }
    node_.pump();
  }
  void send_unanswered(Client& client) {
    for (const auto& [key, text] : client.unsent)
      client.peer->send_text(fmt::format(
          R"({{"type":"chat","id":{},"room":"{}","message":"{}","key":"{}"}})", id_of(key), kRoom, text, key));
  }
  std::int64_t id_of(const std::string& key) {
    keys_[++ids_] = key;
    return ids_;
  }

  bool listen() {
    bool did = false;
    for (auto& client : clients_) {
      if (!client->peer) continue;
      did = client->peer->read() || did;
      while (client->peer && !client->peer->messages.empty()) {
        const std::string text = std::move(client->peer->messages.front());
        client->peer->messages.pop_front();
        hear(*client, json::parse(text)->as_object());
      }
      if (client->peer && client->peer->closed) {
        if (client->peer->closed->code == 4503) ++closed_;
        hang_up(*client);
      }
    }
    return did;
  }

  void hear(Client& client, const json::Object& m) {
    const std::string type(json::get_string(m, "type").value_or(""));
    if (type == "authentication_success")
      client.admitted = true;
    else if (type == "joined")
      joined(client, m);
    else if (type == "message")
      message(client, m);
    else if (type == "sent")
      client.unsent.erase(keys_[*json::get_int(m, "id")]);
    else if (type == "room_reset")
      client.live = false, ++resets_;
    else if (type == "error" && json::get_int(m, "id") && !keys_.contains(*json::get_int(m, "id")))
      client.joining = false; // of a join: again later
  }

  void joined(Client& client, const json::Object& m) {
    client.joining = false;
    client.live = true;
    const bool recovered = *json::get_bool(m, "recovered");
    ++(recovered ? recovered_ : not_recovered_);
    if (!recovered) client.has.clear();
    client.epoch = *json::get_string(m, "epoch");
    for (const auto& row : m.at("messages").as_array()) keep(client, row.as_object());
    client.offset = *json::get_int(m, "offset");
    client.time = json::get_string(m, "time").value_or("");
  }

  void message(Client& client, const json::Object& m) {
    if (*json::get_int(m, "offset") != client.offset + 1) return hang_up(client); // a lost line
    keep(client, m);
    client.offset = *json::get_int(m, "offset");
    client.time = *json::get_string(m, "time");
  }

  static void keep(Client& client, const json::Object& row) {
    client.has[*json::get_int(row, "offset")] = *json::get_string(row, "message");
  }

  // Time enough for everybody to come back, and for what was not answered.
  void all_is_well() {
    node_.lose_answers(0);
    node_.reads_fail(false);
    node_.set_disk(Disk::well);
    for (int i = 0; i < 40; ++i) {
      for (auto& client : clients_)
        if (!client->peer) connect(*client);
      node_.advance(Millis{1'000});
      retry();
    }
  }

  void check() {
    invariants_.at_rest();
    EXPECT_THAT(invariants_.faults(), testing::IsEmpty());
    Peer observer(node_.network().connect(0));
    observer.recorded_in(recording_, "observer");
    observer.handshake("/ws/chat", {{"Authorization", "Bearer " + node_.token({.user = "observer"}).text}});
    std::map<std::int64_t, std::string> all;
    for (std::int64_t before = 1'000'000; before > 1;) {
      observer.send_text(fmt::format(R"({{"type":"history","room":"{}","before":{},"limit":300}})", kRoom, before));
      for (int i = 0; i < 3; ++i) node_.pump(), observer.read();
      ASSERT_FALSE(observer.messages.empty());
      const auto page = json::parse(observer.messages.back())->as_object().at("messages").as_array();
      if (page.empty()) break;
      for (const auto& row : page)
        all[*json::get_int(row.as_object(), "offset")] = *json::get_string(row.as_object(), "message");
      before = *json::get_int(page.front().as_object(), "offset");
    }
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all.rbegin()->first, static_cast<std::int64_t>(all.size())) << "no hole";
    for (const auto& client : clients_) {
      EXPECT_TRUE(client->live) << client->name;
      EXPECT_THAT(client->unsent, testing::IsEmpty()) << client->name;
      EXPECT_EQ(client->offset, all.rbegin()->first) << client->name << " has not heard all";
      for (const auto& [offset, text] : client->has) EXPECT_EQ(all[offset], text) << client->name << " at " << offset;
    }
  }

  const Trouble trouble_;
  std::mt19937_64 random_;
  Recording recording_; // both outlive the peers
  Invariants invariants_;
  Node node_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::optional<Invariants::Heads> copied_;
  std::map<std::int64_t, std::string> keys_; // by id of a chat
  std::int64_t ids_ = 0, said_ = 0;
  int went_back_ = 0, recovered_ = 0, not_recovered_ = 0, closed_ = 0, resets_ = 0;
};

} // namespace foyer::harness
