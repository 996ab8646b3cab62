// An application beside the server: it asks about clients and rooms and acts upon them, without HTTP. Requests and
// answers are JSON, for scenarios.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "harness/node.h"

namespace foyer::harness {

class Application {
 public:
  // Throws std::runtime_error for a method or a member that it does not know. The former answer is forgotten.
  void ask(Node& node, std::string_view method, const json::Object& members);
  // As JSON; {"refused":CODE} for a refusal. Throws std::runtime_error if there is none.
  [[nodiscard]] std::string answer() const;

 private:
  std::shared_ptr<std::optional<json::Value>> answer_; // shared with the question that is under way
};

} // namespace foyer::harness
