// `foyer upkeep`: does deletion by age go on, or does it wait until the clock is trusted?
#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/operator_api.h"

namespace foyer::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: foyer upkeep [--now] [OPTIONS]\n\n"
    "Whether the running server deletes what is older than is kept, or waits because its clock was wrong or may be.\n\n"
    "  --now           the clock is right: delete what is old now, without waiting for an hour of steady clock\n"
    "{}"
    "  --json          the state as JSON\n\n"
    "Ends with 0, 2 when the server could not be asked.\n";

struct Options {
  OperatorOptions server;
  bool now = false;
  bool as_json = false;
};

int could_not(std::string_view what) {
  fmt::print(stderr, "foyer upkeep: {}\n", what);
  return kCouldNotRun;
}

// Nothing: `status` is how the command ends.
std::optional<Options> parse(Args args, int& status) {
  Options options;
  const auto usage = [&status](std::string_view what) {
    status = kCouldNotRun;
    fmt::print(stderr, "foyer upkeep: {}\n\n{}", what, fmt::format(kUsage, kOperatorUsage));
    return std::nullopt;
  };
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--help" || arg == "-h") {
      fmt::print("{}", fmt::format(kUsage, kOperatorUsage));
      status = 0;
      return std::nullopt;
    }
    const auto taken = take_operator_option(args, i, options.server);
    if (!taken) return usage(taken.error());
    if (*taken) continue;
    if (arg == "--now") options.now = true;
    else if (arg == "--json") options.as_json = true;
    else return usage("unknown option " + printable(arg, 64));
  }
  return options;
}

void print_store(const json::Object& row, bool now) {
  const std::string store = printable(json::get_string(row, "store").value_or(""), 64);
  const json::Value* waits = row.if_contains("waits");
  if (waits == nullptr || !waits->is_bool() || !waits->as_bool()) {
    fmt::print("{}: what is older than is kept is deleted{}\n", store, now ? " now" : " every hour");
    return;
  }
  fmt::print("{}: {} (clock {}, {:+} s)", store, now ? "deletion by age was waiting, and goes on now" : "deletion by age waits",
             printable(json::get_string(row, "doubt").value_or(""), 64), json::get_int(row, "off_s").value_or(0));
  if (!now) fmt::print("; it goes on when the clock was steady for another {} s", json::get_int(row, "left_s").value_or(0));
  fmt::print("\n");
}

} // namespace

int run_upkeep(Args args) {
  int status = 0;
  const auto options = parse(args, status);
  if (!options) return status;
  const auto answer = ask_as_operator(options->server, "/api/upkeep", {}, options->now ? R"({"now":true})" : "");
  if (!answer) return could_not(answer.error());
  if (options->as_json) {
    fmt::print("{}\n", json::write_pretty(*answer));
    return 0;
  }
  const json::Value* stores = answer->if_contains("stores");
  if (stores == nullptr || !stores->is_array()) return could_not("the answer has no stores");
  for (const json::Value& one : stores->get_array())
    if (one.is_object()) print_store(one.get_object(), options->now);
  return 0;
}

} // namespace foyer::cli
