#include "cluster/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"

namespace foyer::cluster {
namespace {

using engine::MemberSeen;
using engine::MemberState;

constexpr std::size_t kShown = 64;

double seconds(Millis ms) { return static_cast<double>(ms.count()) / 1000; }

class Judge {
 public:
  explicit Judge(const Report& report) : report_(report) {}

  Troubles run() {
    for (const MemberSeen& seen : report_.members.members) member(seen);
    bus();
    transactions();
    return std::move(out_);
  }

 private:
  void note(Cause cause, std::string where, std::string message) {
    out_.push_back({.cause = cause, .where = std::move(where), .message = std::move(message)});
  }

  void member(const MemberSeen& seen) {
    const std::string where = "node " + printable(seen.member.node, kShown);
    if (seen.state == MemberState::dead)
      return note(Cause::NODE_DEAF, where,
          fmt::format("It ended without a word; it is dead since {}. `foyer cluster remove {}` forgets it.",
              rfc3339(seen.heard_until), printable(seen.member.node, kShown)));
    if (seen.state == MemberState::silent)
      return note(Cause::NODE_DEAF, where,
          fmt::format("It has said nothing for {:.0f} s: it is paused, or cannot write to the database.",
              seconds(seen.tail_lag.value_or(Millis{0}))));
    if (seen.state != MemberState::alive) return;
    if (const auto cause = find_cause(seen.trouble))
      note(*cause, where,
          seen.unheard.empty() ? "The node reports it."
                               : fmt::format("It does not hear over the bus: {}.",
                                     printable(fmt::format("{}", fmt::join(seen.unheard, ", ")), 1024)));
  }

  void bus() {
    if (!report_.bus) return;
    if (report_.bus->wrong) note(report_.bus->wrong->cause, "bus", report_.bus->wrong->evidence);
    if (!report_.bus->seen || report_.bus->seen->name.empty()) return;
    const std::string& name = report_.bus->seen->name;
    for (const MemberSeen& seen : report_.members.members)
      if (seen.member.alive && seen.member.bus != name)
        note(Cause::CLUSTER_MISMATCH, "node " + printable(seen.member.node, kShown),
            seen.member.bus.empty() ? "It uses no bus, and BUS_URL names one."
                                    : fmt::format("It is on the bus \"{}\", and BUS_URL leads to \"{}\".",
                                          printable(seen.member.bus, kShown), printable(name, kShown)));
  }

  // The role of this look may not be allowed to see it, but every node notices.
  void transactions() {
    auto found = judge_database(report_.database);
    Millis held{0};
    for (const MemberSeen& seen : report_.members.members)
      if (seen.state == MemberState::alive) held = std::max(held, seen.held_open);
    if (found.empty() && held.count() > 0)
      note(
          Cause::TRANSACTION_HELD_OPEN, "database", fmt::format("The nodes have seen it for {:.0f} s.", seconds(held)));
    std::ranges::move(found, std::back_inserter(out_));
  }

  const Report& report_;
  Troubles out_;
};

} // namespace

Troubles judge(const Report& report) { return Judge(report).run(); }

} // namespace foyer::cluster
