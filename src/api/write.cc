#include "api/write.h"

#include <fmt/format.h>

#include <iterator>

#include "wire/api_error.h"

namespace foyer::api {

void append_reply(std::string& out, const Result<Answer>& answer, const Ref& ref) {
  if (answer) {
    out.append(R"({"result":)").append(*answer).append("}");
    return;
  }
  out.append(R"({"error":)").append(json::write(wire::api_error(answer.error(), ref))).append("}");
}

void append_data(std::string& out, const rooms::Message& message) {
  if (message.type == rooms::BodyType::data) {
    out += message.text;
    return;
  }
  out += R"({"message":)";
  json::append_string(out, message.text);
  if (message.deleted) out += R"(,"deleted":true)";
  out += '}';
}

void append_publication(std::string& out, const rooms::Message& message) {
  fmt::format_to(std::back_inserter(out), R"({{"offset":{},"data":)", message.offset);
  append_data(out, message);
  out += R"(,"info":{"user":)";
  json::append_string(out, message.from.id.view());
  out += R"(,"client":"","conn_info":{"name":)";
  json::append_string(out, message.from.name);
  fmt::format_to(std::back_inserter(out), R"(}}}},"time":{}}})", message.time.time_since_epoch().count());
}

std::string missing_nodes(const std::vector<engine::NodeId>& missing) {
  std::string out;
  for (const engine::NodeId& node : missing) {
    out += out.empty() ? R"(,"missing_nodes":[)" : ",";
    json::append_string(out, node.view());
  }
  return out.empty() ? out : out + "]";
}

std::string position(Offset offset, const Epoch& epoch) {
  std::string out = fmt::format(R"({{"offset":{},"epoch":)", offset);
  json::append_string(out, epoch.view());
  out += '}';
  return out;
}

} // namespace foyer::api
