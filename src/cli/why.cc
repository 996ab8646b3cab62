// `foyer why REF`: the refusal behind a reference that a client received.
#include <fmt/format.h>

#include <optional>

#include "base/bytes.h"
#include "base/cause.h"
#include "base/json.h"
#include "cli/operator_api.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer why REF [OPTIONS]\n\n"
    "Shows what the server knows about one refusal. REF is the last word of a close reason, or `ref` in an answer.\n\n"
    "{}  --json          print the refusal as JSON\n\n"
    "Exit status: 0, 1 when the reference is unknown, 2 when the server could not be asked.\n";

constexpr OperatorCommand kCommand{"why", kUsage};

std::string text_of(const json::Object& object, std::string_view name) {
  return printable(json::get_string(object, name).value_or(""), 2048);
}

std::string names_of(const json::Array& nodes) {
  std::string out;
  for (const json::Value& node : nodes)
    if (node.is_string()) out += (out.empty() ? "" : ", ") + printable(std::string_view(node.get_string()), 64);
  return out;
}

void print_refusal(const json::Object& refusal) {
  const std::string code = text_of(refusal, "code");
  fmt::print("{} (step {}), ref {}\n", code, text_of(refusal, "step"), text_of(refusal, "ref"));
  fmt::print("  {}", text_of(refusal, "time"));
  for (const auto& [label, member] :
      {std::pair{"user", "user"}, {"from", "address"}, {"origin", "origin"}, {"path", "path"}, {"at node", "node"}})
    if (const std::string value = text_of(refusal, member); !value.empty()) fmt::print(", {} {}", label, value);
  if (const auto count = json::get_int(refusal, "count"); count && *count > 1) fmt::print(", {} times", *count);
  fmt::print("\n\n  {}\n", text_of(refusal, "operator"));
  if (const auto cause = find_cause(code)) {
    const std::string next = text_of(refusal, "next"); // the server's text, which may name the proxy
    fmt::print(
        "\n  Next: {}\n  Who must act: {}\n", next.empty() ? info(*cause).next : next, to_string(info(*cause).who));
  }
  const json::Value* steps = refusal.if_contains("steps");
  if (steps == nullptr || !steps->is_array() || steps->get_array().empty()) return;
  fmt::print(
      "\n"
      "  Checked:");
  std::string_view separator = " ";
  for (const json::Value& row : steps->get_array()) {
    if (!row.is_object()) continue;
    const json::Value* ms = row.get_object().if_contains("ms");
    fmt::print("{}{}", separator, text_of(row.get_object(), "step"));
    if (ms != nullptr && ms->is_number()) fmt::print(" {:.2f} ms", ms->to_number<double>());
    separator = ", ";
  }
  fmt::print("\n");
}

} // namespace

int run_why(Args args) {
  OperatorOptions server;
  std::string ref;
  const auto take_ref = [&ref](const std::string& arg) -> std::string {
    if (arg.starts_with('-')) return "unknown option " + printable(arg, 64);
    if (!ref.empty()) return "more than one reference";
    ref = arg;
    return {};
  };
  if (const auto status = read_operator_arguments(kCommand, args, server, take_ref)) return *status;
  if (ref.empty()) return operator_usage(kCommand, "missing reference");
  const auto answer = ask_as_operator(server, "/api/refusals", "ref=" + percent_encoded(ref));
  if (!answer) return operator_failure(kCommand, answer.error());
  const json::Value* list = answer->if_contains("refusals");
  const json::Value* missing = answer->if_contains("missing_nodes");
  const bool unsure = missing != nullptr && missing->is_array() && !missing->get_array().empty();
  if (unsure && list != nullptr && list->is_array() && list->get_array().empty())
    return operator_failure(kCommand,
        fmt::format("The nodes that answered do not know the reference {}, and these have not answered: {}",
            printable(ref, 64), names_of(missing->get_array())));
  if (list == nullptr || !list->is_array() || list->get_array().empty() || !list->get_array().front().is_object()) {
    fmt::print(stderr,
        "There is no refusal with the reference {}: it is mistyped, older than the last 1,024 refusals, or from before "
        "the server started.\n",
        printable(ref, 64));
    return 1;
  }
  const json::Object& refusal = list->get_array().front().get_object();
  if (server.as_json)
    fmt::print("{}\n", json::write_pretty(refusal));
  else
    print_refusal(refusal);
  return 0;
}

} // namespace foyer::cli
