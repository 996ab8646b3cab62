#include "cluster/database_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace foyer::cluster {
namespace {

constexpr std::size_t kShown = 256;

std::string meaning_of_commit(const DatabaseFacts& facts) {
  const std::string& value = facts.synchronous_commit;
  if (value == "off")
    return "`sent` is answered before the commit is on the disk: a crash of the server loses the last messages that "
           "were "
           "answered. Each room whose history went back begins a new epoch.";
  if (facts.synchronous_standbys.empty() || value == "local")
    return "`sent` is answered when the commit is on the disk of this server, and waits for no standby. A failover to "
           "a "
           "standby may lose the last messages; then every room begins a new epoch, and clients are told.";
  if (value == "remote_write")
    return "`sent` waits until a standby has received the commit. A failover to it loses nothing, unless its machine "
           "fails "
           "at the same moment.";
  if (value == "remote_apply")
    return "`sent` waits until a standby has replayed the commit: a failover to it loses nothing.";
  return "`sent` waits until the commit is on the disk of a standby, too: a failover to it loses nothing.";
}

std::string meaning_of_standbys(const DatabaseFacts& facts) {
  if (facts.synchronous_standbys.empty())
    return "No standby has to confirm a commit: standbys can be away without any effect on `sent`.";
  if (!facts.sees_all) return "Commits wait for these. This role cannot see whether they are there.";
  if (std::ranges::none_of(facts.standbys, &Standby::synchronous))
    return "Commits wait for these, and none of them is there: no message is answered with `sent` until one is.";
  return "Commits wait for these; while too few of them are there, no message is answered with `sent`.";
}

std::string meaning_of_connections(const DatabaseFacts& facts, std::int64_t needed) {
  const std::int64_t left =
      std::max<std::int64_t>(0, facts.most_connections - facts.reserved_connections - facts.connections);
  std::string out = fmt::format("The nodes that are alive hold up to {}; {} are free", needed, left);
  constexpr std::int64_t kEach = kGatewayConnections + kPresenceConnections + kAuthConnections;
  out += left < kEach
      ? ", too few for another node: it would not start, and a node that lost its connections may wait for some."
      : fmt::format(", enough for {} more nodes.", left / kEach);
  return out;
}

Line oldest(const DatabaseFacts& facts) {
  const std::string harmless = facts.sees_all ? "No transaction makes nodes read again what they have read."
                                              : "This role does not see transactions of others (GRANT "
                                                "pg_read_all_stats shows them); the nodes notice one that is "
                                                "held open.";
  if (!facts.oldest) return {.what = "oldest open transaction", .value = "none", .means = harmless};
  return {.what = "oldest open transaction",
      .value = fmt::format("{} in {}, {:.1f} s", facts.oldest->who, facts.oldest->database,
          static_cast<double>(facts.oldest->age.count()) / 1000),
      .means = judge_database(facts).empty()
          ? "It has begun just now."
          : "Messages are delivered all the same, but each node reads again what was committed since it began."};
}

Line standby(const Standby& one) {
  std::string value = one.state.empty() ? "state not visible" : one.state;
  if (one.lag) value += fmt::format(", {:.1f} s behind", static_cast<double>(one.lag->count()) / 1000);
  return {.what = "standby " + (one.name.empty() ? std::string("without a name") : one.name),
      .value = std::move(value),
      .means = one.synchronous
          ? "Commits may wait for it. After a failover to it, no message that was answered is missing."
          : "Commits do not wait for it. After a failover to it, what it is behind is lost."};
}

} // namespace

Lines describe_database(const DatabaseFacts& facts, std::int64_t needed) {
  Lines out;
  out.push_back({.what = "fsync",
      .value = facts.fsync ? "on" : "off",
      .means = facts.fsync
          ? "What is committed survives a power loss of the server."
          : "A power loss can lose messages that were answered with `sent`, and can damage the database. "
            "Only for tests."});
  if (!facts.full_page_writes)
    out.push_back({.what = "full_page_writes",
        .value = "off",
        .means = "A power loss can damage pages of the database, unless its file system writes them as a whole."});
  out.push_back({.what = "synchronous_commit", .value = facts.synchronous_commit, .means = meaning_of_commit(facts)});
  out.push_back({.what = "synchronous_standby_names",
      .value = facts.synchronous_standbys.empty() ? "none" : printable(facts.synchronous_standbys, kShown),
      .means = meaning_of_standbys(facts)});
  for (const Standby& one : facts.standbys) out.push_back(standby(one));
  out.push_back({.what = "max_connections",
      .value = fmt::format(
          "{}, {} in use, {} reserved", facts.most_connections, facts.connections, facts.reserved_connections),
      .means = meaning_of_connections(facts, needed)});
  out.push_back(oldest(facts));
  out.push_back({.what = "prepared transactions",
      .value = std::to_string(facts.prepared),
      .means = facts.prepared == 0
          ? "None waits for its second half."
          : "Foyer prepares none. Until one ends, nodes read again what was committed since."});
  out.push_back({.what = "sessions",
      .value = "kept",
      .means = "Transactions of one connection run in one session: there is no pooler in between, or one that fits."});
  return out;
}

} // namespace foyer::cluster
