// `foyer upkeep`: shows whether deletion by age is running or waits for a trusted clock.
#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/operator_api.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer upkeep [--now] [OPTIONS]\n\n"
    "Shows whether the running server deletes rows that have reached their age limit, or waits because its clock is in "
    "doubt.\n\n"
    "  --now           the clock is right: delete old rows now instead of after an hour of steady clock\n"
    "{}  --json          print the state as JSON\n\n"
    "Exit status: 0, or 2 when the server could not be asked.\n";

constexpr OperatorCommand kCommand{"upkeep", kUsage};

void print_store(const json::Object& row, bool now) {
  const std::string store = printable(json::get_string(row, "store").value_or(""), 64);
  const json::Value* waits = row.if_contains("waits");
  if (waits == nullptr || !waits->is_bool() || !waits->as_bool()) {
    fmt::print("{}: rows that have reached their age limit are deleted{}\n", store, now ? " now" : " every hour");
    return;
  }
  fmt::print("{}: {} (clock {}, {:+} s)", store,
      now ? "deletion by age was waiting and continues now" : "deletion by age is waiting",
      printable(json::get_string(row, "doubt").value_or(""), 64), json::get_int(row, "off_s").value_or(0));
  if (!now) fmt::print("; it continues after another {} s of steady clock", json::get_int(row, "left_s").value_or(0));
  fmt::print("\n");
}

} // namespace

int run_upkeep(Args args) {
  OperatorOptions server;
  bool now = false;
  const auto take_now = [&now](const std::string& arg) -> std::string {
    if (arg != "--now") return "unknown option " + printable(arg, 64);
    now = true;
    return {};
  };
  if (const auto status = read_operator_arguments(kCommand, args, server, take_now)) return *status;
  const auto answer = ask_as_operator(server, "/api/upkeep", {}, now ? R"({"now":true})" : "");
  if (!answer) return operator_failure(kCommand, answer.error());
  if (server.as_json) {
    fmt::print("{}\n", json::write_pretty(*answer));
    return 0;
  }
  const json::Value* stores = answer->if_contains("stores");
  if (stores == nullptr || !stores->is_array()) return operator_failure(kCommand, "the answer has no stores");
  for (const json::Value& one : stores->get_array())
    if (one.is_object()) print_store(one.get_object(), now);
  return 0;
}

} // namespace foyer::cli
