// A whole node in one thread: the real gateway on loops in memory, the real chat
// store on a real SQLite file, the real verifier and router, virtual time, fixed
// entropy, and an auth service that does as it is told. What a test does to it is
// what the world does to a node: clients, time, a full disk, SIGTERM, kill -9.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/refusal.h"
#include "engine/subject_endings.h"
#include "harness/memory_network.h"
#include "harness/scripted_application.h"
#include "harness/scripted_auth.h"
#include "protocol/client_codec.h"

namespace foyer::gateway {
class Clients;
}
namespace foyer::rooms {
class RoomService;
}

namespace foyer::harness {

// (name, value) as in `given outbox_bytes 20000`: an option of config/table.h, or a word of the table in plan.cc.
using Settings = std::vector<std::pair<std::string, std::string>>;

// What a credential shall say.
struct Wish {
  std::string user;
  std::string name = {}; // empty: the user's id with a capital
  std::string scope = "chat:read chat:write";
  std::string session = {};  // empty: "session-USER"
  Millis lives{15 * 60'000}; // from now; negative: expired so long ago
  Millis valid_in{0};        // nbf from now
  std::string issuer = {};   // empty: the right one; likewise below
  std::string audience = {};
  std::string environment = {};
  std::string type = {};
  std::vector<std::string> rooms = {}; // the claim `rooms`
  std::string room = {};               // a token for this room; `type` and `room_claim` say which form it has
  std::string room_claim = "room";
  bool foreign_key = false;     // signed by a key that nobody here knows
  bool wrong_signature = false; // by nobody
};

enum class Disk : std::uint8_t {
  well,
  full,      // writes fail with ENOSPC
  broken,    // with EIO
  read_only, // with EROFS
  stalled,   // what the store is asked waits until it is anything else
};

inline constexpr std::string_view kNodeOrigin = "http://127.0.0.1:8000";

class Node {
 public:
  static constexpr std::string_view kApiKey = "the-operators-key-of-the-harness";

  using CodecFactory = std::function<std::unique_ptr<protocol::ClientCodec>()>;

  // Throws std::invalid_argument for a setting that it does not know. Clients speak foyer.v1, or what `codec` makes.
  explicit Node(const Settings& settings, CodecFactory codec = {});
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] ManualClock& clock();
  [[nodiscard]] MemoryNetwork& network();
  [[nodiscard]] ScriptedAuth& auth();
  [[nodiscard]] ScriptedApplication& application();
  // What the auth service does from now on ("hangs", "answers 503 2 times"); with
  // `given auth_service remote` whatever ScriptedServer knows. False: no such words.
  bool set_auth_weather(std::string_view words);
  [[nodiscard]] const std::deque<std::string>& log() const; // as JSON lines, the last ones
  void forget_log();
  // What is held on behalf of connections. When nobody is connected all are zero.
  struct Held {
    std::uint64_t admitted = 0;
    std::uint32_t connections = 0, pending = 0, refusal_upgrades = 0;
    friend bool operator==(const Held&, const Held&) = default;
  };
  [[nodiscard]] Held held() const;
  void pump();                 // until everything rests
  void turn(std::size_t loop); // one turn of one loop, and nothing else
  void turn_disk();            // one piece of work of the store
  void advance(Millis time);   // auth tells every minute that its revocations are whole

  struct Token {
    std::string text;
    Identity identity;
  };
  [[nodiscard]] Token token(const Wish& wish);
  [[nodiscard]] std::string ticket(const Wish& wish, std::string origin = {});
  [[nodiscard]] std::string cookie(const Wish& wish);

  // For an application.
  [[nodiscard]] gateway::Clients& clients();
  [[nodiscard]] rooms::RoomService& rooms();

  void set_disk(Disk disk);
  void drain();
  // Ends and begins again on the same data: in order, or as if by kill -9.
  void restart(bool in_order);
  // A copy of the data directory of this moment, and the server ended, its data replaced by the copy, and
  // begun again. `whole` false: the witness stays as it is, only the database is put back.
  std::map<std::pair<std::string, std::string>, std::int64_t> copy_data(); // by room and epoch: the heads
  void put_back(bool whole);
  // The database is put back under a server that runs, whose writing connection was given up for a failure of the disk.
  void put_back_beneath();
  // The store's answers to the next messages are lost; reading fails; it has a new connection; it is another's.
  void lose_answers(std::size_t count);
  void reads_fail(bool fail);
  void store_opens_again();
  void store_belongs_to_another();
  // What another process writes into the chat store: a block or a revocation; the end of a block.
  void ends(const engine::Ending& ending);
  void unblocks(const std::string& user);
  // Reads peers, answers pings; called while pumping.
  void on_pump(std::function<bool()> step);

 private:
  struct Life;  // what a process has
  struct World; // what outlives it
  std::unique_ptr<World> world_;
  std::unique_ptr<Life> life_;
};

} // namespace foyer::harness
