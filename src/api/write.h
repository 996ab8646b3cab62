// The JSON of answers.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "api/call.h"
#include "base/json.h"
#include "engine/control_bus.h"
#include "rooms/requests.h"

namespace foyer::api {

// {"result":…} or {"error":…}
void append_reply(std::string& out, const Result<Answer>& answer, const Ref& ref);
// Data as it was published; {"message":…} for a chat message.
void append_data(std::string& out, const rooms::Message& message);
// A publication, as Centrifugo's libraries read it: with `data`, `offset`, and `info` about who published.
void append_publication(std::string& out, const rooms::Message& message);
// ,"missing_nodes":[…] unless all have answered.
[[nodiscard]] std::string missing_nodes(const std::vector<engine::NodeId>& missing);
// {"offset":…,"epoch":…}
[[nodiscard]] std::string position(Offset offset, const Epoch& epoch);

} // namespace foyer::api
