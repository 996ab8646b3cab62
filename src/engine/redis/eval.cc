#include "engine/redis/eval.h"

#include "engine/redis/presence_scripts.h"
#include "engine/redis/room_log_scripts.h"
#include "engine/redis/shared_state_scripts.h"

namespace foyer::engine {

std::vector<std::string> bus_scripts() {
  using namespace scripts;
  std::vector<std::string> out;
  for (const redis::Script* each : {&kRenew, &kTouch, &kLeave, &kMembers, &kWrite, &kReap, &kAppend, &kErase, &kClear,
           &kDetach, &kConfirm, &kDoubt, &kHistory, &kTake, &kPut, &kFind, &kCount, &kLease, &kEndLease, &kInfo})
    out.push_back(each->text);
  return out;
}

} // namespace foyer::engine
