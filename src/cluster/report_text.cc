#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "cluster/report.h"
#include "cluster/table.h"

namespace foyer::cluster {
namespace {

using engine::MemberSeen;
using engine::MemberState;

constexpr std::size_t kShown = 64;
constexpr std::size_t kNamed = 5; // nodes that are named of those that one does not hear

std::string shown(const std::string& text) { return text.empty() ? "-" : printable(text, kShown); }
std::string in_seconds(Millis ms) { return fmt::format("{:.1f} s", static_cast<double>(ms.count()) / 1000); }

std::string hears(const MemberSeen& seen) {
  if (seen.state != MemberState::alive) return "-";
  if (!seen.trouble.empty() && seen.unheard.empty()) return shown(seen.trouble);
  if (seen.unheard.empty()) return seen.tail_lag ? "all" : "-";
  const std::size_t named = std::min(kNamed, seen.unheard.size());
  std::string out = "not ";
  for (std::size_t i = 0; i < named; ++i) out += (i == 0 ? "" : ", ") + printable(seen.unheard[i], kShown);
  if (seen.unheard.size() > named) out += fmt::format(" and {} more", seen.unheard.size() - named);
  return out;
}

std::string state_of(const MemberSeen& seen) {
  std::string out(to_string(seen.state));
  if (seen.state == MemberState::dead) out += " since " + rfc3339(seen.heard_until);
  return out;
}

TableRow row_of(const MemberSeen& seen, const std::optional<engine::DutySeen>& duty) {
  const engine::MemberAbout& about = seen.member.about;
  std::string release = shown(about.version);
  if (!about.build.empty()) release += " (" + printable(about.build, kShown) + ")";
  const bool acts = duty && duty->node == seen.member.node && duty->left.count() > 0;
  return {printable(seen.member.node, kShown), state_of(seen), shown(about.url), shown(about.host), release,
      shown(about.roles), seen.started ? rfc3339(*seen.started) : "-", seen.tail_lag ? in_seconds(*seen.tail_lag) : "-",
      hears(seen), acts ? fmt::format("duty, term {}", duty->term) : ""};
}

std::string members_text(const engine::MembersSeen& seen) {
  std::size_t ended = 0, alive = 0;
  std::vector<TableRow> rows{{"NODE", "STATE", "ADDRESS", "HOST", "RELEASE", "ROLES", "STARTED", "TAIL", "HEARS", ""}};
  for (const MemberSeen& one : seen.members) {
    if (one.state == MemberState::ended)
      ++ended;
    else
      rows.push_back(row_of(one, seen.duty));
    if (one.state == MemberState::alive) ++alive;
  }
  if (!seen.known) return "Nodes: no server of this release has used this database yet.\n";
  std::string out = fmt::format("Nodes: {} alive", alive);
  if (rows.size() - 1 > alive) out += fmt::format(", {} not", rows.size() - 1 - alive);
  if (ended > 0) out += fmt::format("; {} ended in order within the last day", ended);
  out += "\n";
  if (rows.size() > 1) out += table_text(rows);
  if (alive > 0 && (!seen.duty || seen.duty->left.count() <= 0))
    out += "  No node sends webhooks and deletes what is over at the moment.\n";
  return out;
}

std::string database_text(const DatabaseFacts& facts) {
  std::string out = fmt::format("Database: {}, {}{}\n", facts.software, shown(facts.name),
      facts.lineage.timeline.empty() ? "" : ", timeline " + facts.lineage.timeline);
  out += fmt::format("  fsync {}, synchronous_commit {}, {} of {} connections in use\n", facts.fsync ? "on" : "off",
      facts.synchronous_commit, facts.connections, facts.most_connections);
  if (facts.oldest)
    out += fmt::format("  oldest transaction that writes: {} in {}, {}\n", facts.oldest->who, facts.oldest->database,
        in_seconds(facts.oldest->age));
  for (const Standby& one : facts.standbys)
    out += fmt::format("  standby {}: {}{}{}\n", shown(one.name), shown(one.state),
        one.synchronous ? ", synchronous" : "", one.lag ? ", " + in_seconds(*one.lag) + " behind" : "");
  if (!facts.synchronous_standbys.empty())
    out += fmt::format("  commits wait for: {}\n", printable(facts.synchronous_standbys, 256));
  if (!facts.sees_all)
    out += "  This role sees neither the sessions of others nor standbys (GRANT pg_read_all_stats shows them).\n";
  return out;
}

std::string bus_text(const std::optional<BusReport>& bus) {
  if (!bus) return "Bus: none\n";
  if (!bus->seen) return fmt::format("Bus: {} cannot be used from here\n", bus->server);
  return fmt::format("Bus: {}, {}, name {}\n", bus->server, bus->seen->facts.software, shown(bus->seen->name));
}

} // namespace

std::string to_text(const Troubles& troubles) {
  std::string out;
  for (const Trouble& one : troubles)
    out += fmt::format("{} ({}): {}\n  {}\n", code_of(one.cause), one.where, one.message, info(one.cause).next);
  return out;
}

std::string to_text(const Report& report, const Troubles& troubles) {
  std::string out = members_text(report.members) + database_text(report.database) + bus_text(report.bus) + "\n";
  return out + (troubles.empty() ? "All is well.\n" : to_text(troubles));
}

} // namespace foyer::cluster
