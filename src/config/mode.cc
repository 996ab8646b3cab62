#include "config/mode.h"

#include <fmt/format.h>

#include <string_view>

#include "config/values.h"

namespace foyer::config {
namespace {

struct Mode {
  std::string_view nodes, record, between; // between nodes; empty: there is one
  std::string_view sent;
};

Mode mode_of(const Config& config) {
  if (is_postgres(config.database_url)) {
    constexpr std::string_view kSent =
        "The transaction of the message is committed in PostgreSQL, as durable as the server's fsync and "
        "synchronous_commit make it.";
    if (!with_others(config)) return {.nodes = "one", .record = "PostgreSQL", .between = {}, .sent = kSent};
    return {.nodes = "many",
        .record = "PostgreSQL",
        .between = config.bus_url.empty() ? "PostgreSQL" : "Valkey or Redis",
        .sent = kSent};
  }
  return {.nodes = with_others(config) ? "many" : "one",
      .record = "SQLite",
      .between = {},
      .sent = config.store_sync == StoreSync::full
          ? "The message is committed and flushed to the disk of this machine; it survives a power loss."
          : "The message is committed; it survives a crash of the process, but perhaps not a power loss."};
}

} // namespace

std::string mode_text(const Config& config) {
  const Mode mode = mode_of(config);
  std::string out = fmt::format("  nodes: {}, messages in {}", mode.nodes, mode.record);
  if (!mode.between.empty()) out += fmt::format(", events between nodes over {}", mode.between);
  return out + fmt::format("\n  `sent` means: {}\n", mode.sent);
}

json::Object mode_json(const Config& config) {
  const Mode mode = mode_of(config);
  json::Object out{
      {"nodes", std::string(mode.nodes)}, {"record", std::string(mode.record)}, {"sent", std::string(mode.sent)}};
  if (mode.between.empty())
    out["between"] = nullptr;
  else
    out["between"] = std::string(mode.between);
  return out;
}

} // namespace foyer::config
