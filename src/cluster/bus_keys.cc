#include "cluster/bus_keys.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "cluster/asking.h"
#include "engine/redis/refusal.h"

namespace foyer::cluster {
namespace {

constexpr std::size_t kShown = 128;

// Characters with a meaning in a pattern of SCAN stand for themselves.
std::string literally(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

class Counting {
 public:
  Counting(redis::Connection& connection, const BusKeysOptions& options) : connection_(connection), options_(options) {}

  Result<BusKeys> run() {
    std::string cursor = "0";
    std::uint64_t seen = 0;
    do {
      const auto page = ask(connection_,
          {"SCAN", cursor, "MATCH", literally(options_.prefix) + "*", "COUNT", std::to_string(kKeysAtOnce)});
      if (!page) return std::unexpected(engine::refusal_of(page.error()));
      if (page->items.size() != 2) return refuse(Cause::BUS_UNSUITABLE, "SCAN is answered in another form");
      cursor = page->items[0].text;
      std::vector<std::string> keys;
      for (const redis::Reply& key : page->items[1].items)
        if (seen + keys.size() < options_.most)
          keys.push_back(key.text);
        else
          out_.all = false;
      TRY_VOID(look_at(keys));
      seen += keys.size();
      if (options_.progress) options_.progress(seen);
    } while (cursor != "0" && out_.all);
    return std::move(out_);
  }

 private:
  Result<void> look_at(const std::vector<std::string>& keys) {
    std::vector<redis::Command> commands;
    std::vector<std::string> sized;
    for (const std::string& key : keys) {
      commands.push_back({"PTTL", key});
      if (kind(key).keys++ % kSizedEach == 0) sized.push_back(key);
    }
    for (const std::string& key : sized) commands.push_back({"MEMORY", "USAGE", key});
    const auto answers = ask_all(connection_, std::move(commands));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!answers[i]) return std::unexpected(engine::refusal_of(answers[i].error()));
      if (answers[i]->integer == -1) note_endless(keys[i]);
      if (answers[i]->integer == -2) --kind(keys[i]).keys; // it ended meanwhile
    }
    for (std::size_t i = 0; i < sized.size(); ++i) {
      const auto& answer = answers[keys.size() + i];
      if (!answer || answer->kind != redis::Reply::Kind::integer) continue; // gone, or not permitted
      KeysOfKind& of = kind(sized[i]);
      ++of.sized;
      of.sized_bytes += static_cast<std::uint64_t>(answer->integer);
    }
    return {};
  }

  void note_endless(const std::string& key) {
    ++kind(key).endless;
    if (out_.endless.size() < kEndlessNamed) out_.endless.push_back(printable(key, kShown));
  }

  KeysOfKind& kind(std::string_view key) {
    return out_.kinds[std::string(kind_of_key(key.substr(std::min(options_.prefix.size(), key.size()))))];
  }

  redis::Connection& connection_;
  const BusKeysOptions& options_;
  BusKeys out_;
};

} // namespace

// The name of a room may contain every character that follows it in a key, so the end decides.
std::string_view kind_of_key(std::string_view name) {
  if (name.starts_with('{')) {
    if (name.ends_with("}:who")) return "presence of a room";
    for (const std::string_view part : {"}:meta", "}:log", "}:changes", "}:authors"})
      if (name.ends_with(part)) return "room that is not durable";
    return name.find("}:key:") != std::string_view::npos ? "key of a message" : "other";
  }
  for (const auto& [begin, kind] : {std::pair<std::string_view, std::string_view>{"author:", "rooms of an author"},
           {"rooms:", "rooms of a node"}, {"reap:", "lease of a node that cleans up"}, {"state:", "shared state"},
           {"probe:", "look of a node"}, {"era:", "list of nodes"}})
    if (name.starts_with(begin)) return kind;
  return name == "bus" ? "name of the bus" : name == "nodes" ? "list of nodes" : "other";
}

std::uint64_t BusKeys::total() const {
  std::uint64_t out = 0;
  for (const auto& [kind, keys] : kinds) out += keys.keys;
  return out;
}

void BusKeys::add(BusKeys other) {
  for (const auto& [kind, keys] : other.kinds) {
    KeysOfKind& sum = kinds[kind];
    sum.keys += keys.keys;
    sum.endless += keys.endless;
    sum.sized += keys.sized;
    sum.sized_bytes += keys.sized_bytes;
  }
  for (std::string& key : other.endless)
    if (endless.size() < kEndlessNamed) endless.push_back(std::move(key));
  all = all && other.all;
}

Result<BusKeys> count_bus_keys(redis::Connection& connection, const BusKeysOptions& options) {
  return Counting(connection, options).run();
}

} // namespace foyer::cluster
