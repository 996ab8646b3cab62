// What holds in one room, and where each part of it comes from: `foyer check --room NAME`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/refusal.h"
#include "config/load.h"

namespace foyer::config {

struct RoomFact {
  std::string name;   // of the key of [[rooms]]
  std::string value;  // "token", "true", "none", "300"
  std::string source; // "foyer.toml line 12 column 1", "default", …
};
struct RoomReport {
  std::string room;
  std::string kind;  // "public", …
  std::string rule;  // its pattern; empty: no rule matches
  std::string place; // where the rule is written
  std::vector<RoomFact> facts;
};

// ROOM_NAME_INVALID.
[[nodiscard]] Result<RoomReport> report_on_room(const Loaded& loaded, std::string_view room);
[[nodiscard]] std::string room_text(const RoomReport& report);
[[nodiscard]] json::Object room_json(const RoomReport& report);

} // namespace foyer::config
