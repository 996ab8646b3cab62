// The subcommands of `foyer`. Each is a function of its arguments (without
// "foyer" and its own name) that returns the exit status. main.cc holds the table.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace foyer::cli {

using Args = std::span<const std::string>;

// Exit status for commands that could not start (wrong arguments).
inline constexpr int kCouldNotRun = 2;

struct Command {
  std::string_view name;
  std::string_view help; // one line
  int (*run)(Args args);
};

int run_serve(Args args);   // serve.cc
int run_api_key(Args args); // api_key.cc
int run_backup(Args args);  // backup.cc
int run_bus(Args args);     // bus.cc
int run_check(Args args);   // check.cc
int run_cluster(Args args); // cluster.cc
int run_key(Args args);     // key.cc
int run_doctor(Args args);  // doctor.cc
int run_explain(Args args); // explain.cc
int run_service(Args args); // service.cc
int run_token(Args args);   // token.cc
int run_webhook(Args args); // webhook.cc
int run_user(Args args);    // user.cc
int run_why(Args args);     // why.cc
int run_upkeep(Args args);  // upkeep.cc
int run_chat(Args args);    // chat.cc

} // namespace foyer::cli
