#include "harness/player.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>

#include "harness/application.h"
#include "harness/invariants.h"
#include "harness/json_match.h"
#include "harness/node.h"
#include "harness/person.h"
#include "harness/values.h"
#include "harness/words.h"

namespace foyer::harness {
namespace {

class Player {
 public:
  explicit Player(const PlayOptions& options) : options_(options), settings_(options.settings) {}

  std::optional<Difference> play(const Script& script) {
    for (const Statement& statement : script.statements) {
      if (options_.recording != nullptr) options_.recording->step(statement.text);
      try {
        run(statement.text);
        keeps_its_promises();
      } catch (const std::exception& e) {
        return Difference{.line = statement.line, .statement = statement.text, .what = e.what()};
      }
    }
    if (!disk_well_) return std::nullopt; // what waits for the disk is not missing
    invariants_.at_rest();
    try {
      keeps_its_promises();
    } catch (const std::exception& e) {
      return Difference{.line = script.statements.back().line, .statement = "the end", .what = e.what()};
    }
    return std::nullopt;
  }

 private:
  // What holds in every story, whatever it is about (invariants.h).
  void keeps_its_promises() const {
    if (!invariants_.faults().empty()) differ("a promise was broken: " + invariants_.faults().front());
  }

  void run(std::string_view text) {
    Words words(text);
    if (words.accept("given")) return given(words);
    Node& node = begun();
    if (words.accept("the")) {
      run_world(node, words);
    } else if (const auto duration = read_duration(words.peek());
        duration && (words.rest_after_first() == "pass" || words.rest_after_first() == "passes")) {
      node.advance(*duration);
    } else if (words.rest_after_first().starts_with("people join ")) {
      crowd(node, std::stoul(std::string(words.peek())), words.rest_after_first().substr(12));
    } else {
      run_person(node, std::string(words.take()), words);
    }
    node.pump();
    for (const auto& [name, person] : people_)
      if (!person.peer->trouble.empty()) differ(fmt::format("{} got {}", name, person.peer->trouble));
  }

  void given(Words& words) {
    if (node_) differ("`given` comes before anything else");
    std::string name(words.take());
    settings_.emplace_back(std::move(name), words.rest());
  }

  Node& begun() {
    if (!node_) {
      node_ = std::make_unique<Node>(settings_);
      if (options_.piece > 0) node_->network().deliver_in_pieces_of(options_.piece);
      if (options_.busy) node_->network().be_busy();
      node_->on_pump([this] {
        bool did = false;
        for (auto& [name, person] : people_) did = person.peer->read() || did;
        return did;
      });
    }
    return *node_;
  }

  // ---- the world

  void run_world(Node& node, Words& words) {
    const std::string text(words.rest());
    if (text.starts_with("disk ")) disk_well_ = text == "disk is well";
    if (text == "disk is full") return node.set_disk(Disk::full);
    if (text == "disk is read-only") return node.set_disk(Disk::read_only);
    if (text == "disk is broken") return node.set_disk(Disk::broken);
    if (text == "disk stalls") return node.set_disk(Disk::stalled);
    if (text == "disk is well") return node.set_disk(Disk::well);
    if (text == "server drains") return node.drain();
    if (text == "data is copied") return copy_data(node);
    if (text == "data is put back") return put_back(node, [&] { node.put_back(true); });
    if (text == "database is put back") return put_back(node, [&] { node.put_back(false); });
    if (text == "database is put back beneath the server") return put_back(node, [&] { node.put_back_beneath(); });
    if (text == "store loses the answer to the next message") return node.lose_answers(1);
    if (text == "store cannot be read") return node.reads_fail(true);
    if (text == "store can be read") return node.reads_fail(false);
    if (text == "store opens again") return node.store_opens_again();
    if (text == "store belongs to another") return node.store_belongs_to_another();
    if (text == "server restarts") return node.restart(true);
    if (text == "server is killed") return node.restart(false);
    if (text.starts_with("auth service ") && node.set_auth_weather(text.substr(13))) return;
    if (words.accept("log", "says")) return log_says(node, words);
    if (words.accept("application")) return application(node, words);
    if (words.accept("app")) return app(node, words);
    if (words.accept("backend")) return run_application(node, words);
    using Kind = auth::RevocationEvent::Kind;
    using Reason = auth::RevocationEvent::Reason;
    if (words.accept("session", "of"))
      return node.auth().revoke({.kind = Kind::session, .id = person(words.take()).identity.session.str()});
    if (words.accept("token", "of"))
      return node.auth().revoke({.kind = Kind::token, .id = person(words.take()).identity.token.str()});
    if (words.accept("user")) {
      std::string id(words.take());
      const bool disabled = words.rest() == "is disabled";
      if (!disabled && words.rest() != "is enabled") differ("expected `is disabled` or `is enabled`");
      return node.auth().revoke(
          {.kind = Kind::user, .id = std::move(id), .reason = disabled ? Reason::disabled : Reason::enabled});
    }
    differ("no such statement about the world");
  }

  // `blocks ID [for 5m]`, `unblocks ID`, `revokes the token of NAME`, `revokes all tokens of ID`: in the chat store.
  void application(Node& node, Words& words) {
    using Kind = engine::EndingKind;
    const WallTime now = node.clock().wall();
    if (words.accept("unblocks")) return node.unblocks(std::string(words.take()));
    if (words.accept("revokes", "the") && words.accept("token", "of"))
      return node.ends({.kind = Kind::token, .id = person(words.take()).identity.token.str(), .at = now});
    if (words.accept("revokes", "all") && words.accept("tokens", "of"))
      return node.ends({.kind = Kind::before, .id = std::string(words.take()), .at = now});
    if (!words.accept("blocks")) differ("no such statement about the application");
    engine::Ending block{.kind = Kind::block, .id = std::string(words.take()), .at = now};
    if (words.accept("for")) block.until = now + read_duration(words.take()).value();
    node.ends(block);
  }

  // The application that is asked: `answers EVENT JSON`, `refuses EVENT CODE [TEXT]`, `hangs`, `goes on`, `was asked
  // JSON`, `was asked nothing more`.
  void app(Node& node, Words& words) {
    ScriptedApplication& application = node.application();
    if (words.accept("hangs")) return application.hang();
    if (words.accept("goes", "on")) return application.go_on();
    if (words.accept("answers")) {
      std::string event(words.take());
      return application.answers(event, values_.in(node, parse_json(words.rest())).as_object());
    }
    if (words.accept("refuses")) {
      std::string event(words.take());
      const auto cause = find_cause(words.take());
      if (!cause) differ("no such cause");
      return application.refuses(event, {.cause = *cause, .evidence = "as scripted", .detail = unquoted(words.rest())});
    }
    if (!words.accept("was", "asked")) differ("no such statement about the app");
    const std::string question = application.take_question();
    if (words.rest() == "nothing more") return question.empty() ? void() : differ("it was asked " + question);
    if (question.empty()) differ("it was not asked");
    compare(parse_json(words.rest()), question);
  }

  void copy_data(Node& node) { copied_ = node.copy_data(); }

  // What was told beyond the copy may be gone; that nobody may be told otherwise is what is looked at.
  void put_back(Node&, const std::function<void()>& replace) {
    replace();
    invariants_.went_back(copied_);
  }

  // EVENT [JSON]: a line of that event that fits.
  void log_says(Node& node, Words& words) {
    const std::string event(words.take());
    json::Value expected = words.rest().empty() ? json::Value(json::Object{}) : parse_json(words.rest());
    expected.as_object()["event"] = event;
    std::string seen;
    for (const std::string& line : node.log()) {
      const auto value = json::parse(line);
      if (!value || json::get_string(value->as_object(), "event") != event) continue;
      if (!mismatch(expected, *value, bindings_)) return;
      seen += "\n  logged " + line;
    }
    differ("no such line in the log" + (seen.empty() ? " and none of that event" : seen));
  }

  // METHOD JSON, `is answered JSON` or `is refused CODE`.
  void run_application(Node& node, Words& words) {
    const bool answered = words.accept("is", "answered"), refused = !answered && words.accept("is", "refused");
    if (!answered && !refused) {
      const std::string method(words.take());
      return application_.ask(node, method, values_.in(node, parse_json(words.rest())).as_object());
    }
    const std::string seen = application_.answer(); // throws if there is none
    compare(answered ? parse_json(words.rest()) : json::Object{{"refused", words.rest()}}, seen);
  }

  // ---- people

  // crowd-1, crowd-2, … come in and join.
  void crowd(Node& node, std::size_t people, std::string_view room) {
    for (std::size_t i = 1; i <= people; ++i) {
      const std::string name = fmt::format("crowd-{}", i);
      const std::string how = fmt::format("as user:{}", name);
      Words words(how);
      connects(node, name, words, true);
      people_[name].peer->send_text(fmt::format(R"({{"type":"join","room":"{}"}})", room));
      node.pump();
    }
  }

  Person& person(std::string_view name) {
    const auto found = people_.find(std::string(name));
    if (found == people_.end()) differ(fmt::format("nobody is called {}", name));
    return found->second;
  }

  void run_person(Node& node, const std::string& name, Words& words) {
    const std::string verb(words.take());
    if (verb == "connects") return connects(node, name, words, true);
    if (verb == "tries") return connects(node, name, words, false);
    if (verb == "opens") return opens(node, name, words);
    if (verb == "asks") return asks(node, name, words);
    if (verb == "calls") return static_cast<void>(new_peer(node, name, read_entry(words)));

    Person& p = person(name);
    if (verb == ">") return says(node, p, words.rest());
    if (verb == "<" && words.accept("binary")) return hears_binary(p, words.rest());
    if (verb == "<") return hears(p, words.rest());
    const std::string rest(words.rest());
    if (verb == "says" && rest.starts_with("in pieces of ")) return says_in_pieces(p, words);
    if (verb == "says" && words.accept("last")) return says_last(p, words.rest());
    if (verb == "says") return p.peer->send_text(rest);
    if (verb == "sends" && rest.ends_with(" pings")) return send_pings(p, rest);
    if (verb == "sends" && words.accept("binary")) return p.peer->send_binary(words.rest());
    if (verb == "sends" && words.accept("packed")) return p.peer->send_as_packed(words.rest());
    if (verb == "sends" && words.accept("bytes")) return sends_bytes(p, words.rest());
    if (verb == "awaits" && rest == "an answer") return p.peer->await_answer();
    if (verb == "receives" && rest == "nothing") return receives_nothing(p);
    if (verb == "catches" && rest == "up") return p.peer->messages.clear();
    if (verb == "stops" && rest == "reading") return stop_reading(p);
    if (verb == "reads" && rest == "again") return p.peer->read_again();
    if (verb == "stops" && rest == "answering pings") return p.peer->stop_answering_pings();
    if (verb == "goes" && rest == "silent") return p.peer->go_silent();
    if (verb == "disconnects") return p.peer->send_close(1000);
    if (verb == "vanishes") return p.peer->vanish();
    if (verb == "is" && rest == "open") return is_open(p);
    if (verb == "is" && words.accept("closed")) return is_closed(p, words);
    if (verb == "is" && words.accept("upgraded")) return is_upgraded(p, words);
    if (verb == "is" && words.accept("answered")) return is_answered(p, words);
    if (verb == "was" && words.accept("welcomed", "with")) return compare(parse_json(words.rest()), p.welcome);
    if (verb == "was" && words.accept("pinged")) return p.peer->pings > 0 ? void() : differ("no ping came");
    differ(fmt::format("no such statement: {} {}", verb, rest));
  }

  Peer& new_peer(Node& node, const std::string& name, const Entry& entry) {
    const std::size_t loop = entry.loop ? *entry.loop : next_loop_++ % node.network().size();
    Person& p = people_[name];
    p.peer.reset(); // it ends before the next one of that name begins
    p = Person{
        .peer = std::make_unique<Peer>(node.network().connect(loop, entry.address)), .identity = {}, .welcome = {}};
    p.peer->watched_by(invariants_, name);
    if (options_.recording != nullptr) p.peer->recorded_in(*options_.recording, name);
    return *p.peer;
  }

  void connects(Node& node, const std::string& name, Words& words, bool must_succeed) {
    if (!words.accept("as")) differ("expected `as user:ID`");
    const std::string_view who = words.take();
    if (!who.starts_with("user:")) differ("expected `as user:ID`");
    Entry entry = read_entry(words);
    entry.wish.user = who.substr(5);
    Peer& peer = new_peer(node, name, entry);
    Headers headers = entry.headers;
    std::string target = entry.path;
    std::string first;
    const auto protocols = [&](const std::string& value) { headers.add("Sec-WebSocket-Protocol", value); };
    if (entry.how == "ticket") {
      target += "?ticket=" + node.ticket(entry.wish, entry.origin);
    } else if (entry.how == "cookie") {
      target += "?auth=cookie";
      headers.add("Cookie", "foyer_session=" + node.cookie(entry.wish));
    } else {
      const Node::Token token = node.token(entry.wish);
      people_[name].identity = token.identity;
      if (entry.how == "header")
        headers.add("Authorization", "Bearer " + token.text);
      else if (entry.how == "subprotocol")
        protocols("foyer.v1, bearer." + token.text);
      else if (entry.how == "url")
        target += "?access_token=" + token.text;
      else
        first = fmt::format(R"({{"type":"authenticate","token":"{}"}})", token.text);
    }
    if (entry.how != "subprotocol" && entry.headers.find("Sec-WebSocket-Protocol") == nullptr) protocols("foyer.v1");
    if (!entry.origin.empty()) headers.add("Origin", entry.origin);
    peer.handshake(target, headers);
    if (!entry.early.empty()) peer.send_text(entry.early);
    node.pump();
    if (!first.empty() && peer.upgraded()) peer.send_text(first);
    node.pump();
    if (must_succeed) welcome(people_[name]);
  }

  void opens(Node& node, const std::string& name, Words& words) {
    const std::string target = values_.in_text(node, std::string(words.take()));
    Entry entry = read_entry(words);
    Peer& peer = new_peer(node, name, entry);
    Headers headers;
    for (Header& header : entry.headers.list()) headers.add(header.name, values_.in_text(node, header.value));
    if (!entry.origin.empty()) headers.add("Origin", entry.origin);
    peer.handshake(target, headers);
  }

  void asks(Node& node, const std::string& name, Words& words) {
    const std::string method(words.take());
    const std::string target = values_.in_text(node, std::string(words.take()));
    std::string_view rest = words.rest();
    std::string body;
    if (const std::size_t brace = rest.find('{'); brace != std::string_view::npos) {
      body = json::write(values_.in(node, parse_json(rest.substr(brace))));
      rest = trim(rest.substr(0, brace));
    }
    Words options(rest);
    Entry entry = read_entry(options);
    if (!people_.contains(name) || people_[name].peer->upgraded() || people_[name].peer->client().ended())
      new_peer(node, name, entry);
    Headers headers;
    for (Header& header : entry.headers.list()) headers.add(header.name, values_.in_text(node, header.value));
    if (!entry.origin.empty()) headers.add("Origin", entry.origin);
    if (entry.api_key) headers.add("X-API-Key", std::string(Node::kApiKey));
    if (!body.empty() && headers.find("Content-Type") == nullptr) headers.add("Content-Type", "application/json");
    people_[name].peer->request(method, target, headers, body);
  }

  // ---- what is said

  void says(Node& node, Person& p, std::string_view text) {
    const auto [times, message] = read_times(text);
    for (std::size_t i = 1; i <= times; ++i) {
      const json::Value value = values_.in(node, parse_json(with_index(message, i)));
      p.peer->send_text(json::write(value));
      if (i % 20 == 0) node.pump();
    }
  }

  // ---- what is heard

  void compare(const json::Value& expected, const std::string& message) {
    const auto seen = json::parse(message);
    if (!seen) differ(fmt::format("not strict JSON ({}): {}", seen.error(), message));
    if (const auto difference = mismatch(expected, *seen, bindings_))
      differ(*difference + "\n  heard " + message.substr(0, 2000));
  }

  void hears(Person& p, std::string_view text) {
    const auto [times, message] = read_times(text);
    for (std::size_t i = 1; i <= times; ++i) {
      const std::string wanted = with_index(message, i);
      std::vector<json::Value> expected;
      for (const std::string_view part : split_outside(wanted, "&")) expected.push_back(parse_json(part));
      hears_in_any_order(p, std::move(expected));
    }
  }

  void hears_in_any_order(Person& p, std::vector<json::Value> expected) {
    while (!expected.empty()) {
      if (p.peer->messages.empty()) differ(fmt::format("waits for {}\n{}", json::write(expected.front()), heard(p)));
      const std::string message = p.peer->messages.front();
      const auto seen = json::parse(message);
      if (!seen) differ(fmt::format("not strict JSON ({}): {}", seen.error(), message));
      std::string why;
      const auto fits = std::ranges::find_if(expected, [&](const json::Value& one) {
        const auto difference = mismatch(one, *seen, bindings_);
        if (difference) why += *difference + "\n";
        return !difference;
      });
      if (fits == expected.end()) differ(why + heard(p));
      expected.erase(fits);
      p.peer->messages.pop_front();
    }
  }

  // STATUS [CODE] [with HEADER: VALUE | containing TEXT] [JSON]
  void is_answered(const Person& p, Words& words) {
    if (!p.peer->answer) differ("no answer\n" + heard(p));
    const Response& answer = *p.peer->answer;
    const std::string status(words.take());
    if (std::to_string(answer.status) != status) differ(fmt::format("expected {}\n{}", status, heard(p)));
    if (words.accept("with")) return has_header(answer, unquoted(words.rest()));
    if (words.accept("without")) {
      if (answer.headers.find(words.rest()) != nullptr) differ(fmt::format("expected no {}", words.rest()));
      return;
    }
    if (words.accept("containing")) {
      if (answer.body.find(unquoted(words.rest())) == std::string::npos)
        differ(fmt::format("expected it to contain {}\n{}", words.rest(), answer.body));
      return;
    }
    if (!words.rest().empty() && !words.rest().starts_with('{') && !words.rest().starts_with('['))
      compare(json::Object{{"code", std::string(words.take())}}, answer.body);
    if (!words.rest().empty()) compare(parse_json(words.rest()), answer.body);
  }

  Invariants invariants_;
  Application application_;
  Invariants::Heads copied_; // when the data was copied
  bool disk_well_ = true;
  PlayOptions options_;
  Settings settings_;
  std::unique_ptr<Node> node_;
  std::map<std::string, Person> people_;
  Bindings bindings_;
  Values values_{bindings_};
  std::size_t next_loop_ = 0;
};

} // namespace

std::optional<Difference> play(const Script& script, const PlayOptions& options) {
  return Player(options).play(script);
}

} // namespace foyer::harness
