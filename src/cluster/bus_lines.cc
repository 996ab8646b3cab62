// What a server's settings and state mean for nodes.
#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "base/bytes.h"
#include "cluster/bus_server.h"

namespace foyer::cluster {
namespace {

constexpr std::size_t kShown = 128;
constexpr std::string_view kForbidden = "not visible";
constexpr std::string_view kGrant =
    "The user in BUS_URL may not read it; ACL SETUSER NAME +config|get allows that. Foyer works without.";
// Redis has none before 6.2.
constexpr std::string_view kNoFailover = "no-failover";

std::string field(const BusServer& bus, std::string_view name) {
  const auto found = bus.info.find(name);
  return found == bus.info.end() ? std::string() : printable(found->second, kShown);
}
const std::optional<std::string>& setting(const BusServer& bus, std::string_view name) {
  static const std::optional<std::string> none;
  const auto found = bus.settings.find(name);
  return found == bus.settings.end() ? none : found->second;
}
std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}
std::string mebibytes(std::uint64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20)); }
std::string address(const BusReplica& replica) { return fmt::format("{}:{}", replica.host, replica.port); }
bool complete(const BusReplica& replica) {
  if (!replica.named) return replica.link == "up"; // it follows another replica, or just began to follow
  return replica.state == "online" && replica.link.value_or("up") == "up";
}
bool is_gone(const BusReplica& replica) { return replica.away && !replica.link; }
std::string primary_says(const BusReplica& replica) {
  if (!replica.named) return "not named by the primary";
  return replica.state.empty() ? "state unknown" : replica.state;
}

Line appending(const BusServer& bus) {
  if (field(bus, "aof_enabled") != "1")
    return {.what = "appendonly",
        .value = "no",
        .means =
            "After a restart rooms that are not durable begin a new epoch, and nodes write who is present again. "
            "`sent` and recovery of durable rooms do not depend on it."};
  const auto& value = setting(bus, "appendfsync");
  if (!value) return {.what = "appendfsync", .value = std::string(kForbidden), .means = std::string(kGrant)};
  return {.what = "appendfsync",
      .value = *value,
      .means = *value == "always"
          ? "In a room that is not durable, `sent` means that the message is on the disk of the server."
          : "In a room that is not durable, `sent` is answered before the message is on the disk; a crash of the "
            "machine may "
            "lose about a second or more. The room begins a new epoch after each restart."};
}

Line least_replicas(const BusServer& bus) {
  const auto& value = setting(bus, "min-replicas-to-write");
  const std::string what = "min-replicas-to-write";
  if (!value) return {.what = what, .value = std::string(kForbidden), .means = std::string(kGrant)};
  if (number(*value) == 0)
    return {.what = what,
        .value = *value,
        .means =
            "The primary answers without a replica: a failover may lose what was said in rooms that are not durable "
            "(they begin a new epoch). Durable rooms lose nothing."};
  return {.what = what,
      .value = fmt::format("{} (within {} s)", *value, setting(bus, "min-replicas-max-lag").value_or("?")),
      .means =
          "With fewer replicas the primary refuses to write: then rooms that are not durable and presence wait, and a "
          "failover loses little. Durable rooms go on."};
}

void memory(const BusServer& bus, Lines& out) {
  const std::uint64_t most = number(field(bus, "maxmemory"));
  out.push_back({.what = "maxmemory",
      .value = most == 0 ? "no limit, " + mebibytes(number(field(bus, "used_memory"))) + " used"
                         : mebibytes(most) + ", " + mebibytes(number(field(bus, "used_memory"))) + " used",
      .means = most == 0
          ? "The server takes what it needs; if the machine has no more, the system may end it."
          : "At the limit the server refuses to write: rooms that are not durable and presence wait, durable "
            "rooms go on."});
  const std::string policy = field(bus, "maxmemory_policy");
  out.push_back({.what = "maxmemory-policy",
      .value = policy,
      .means = policy == "noeviction"
          ? "No key is removed before its time."
          : "Keys are removed when the memory is full: users vanish from rooms, and rooms that are "
            "not durable lose messages that were answered."});
}

// "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
Line buffers(const BusServer& bus) {
  const std::string what = "client-output-buffer-limit pubsub";
  const auto& value = setting(bus, "client-output-buffer-limit");
  if (!value) return {.what = what, .value = std::string(kForbidden), .means = std::string(kGrant)};
  std::istringstream words(*value);
  for (std::string word; words >> word;) {
    if (word != "pubsub") continue;
    std::string hard, soft, seconds;
    words >> hard >> soft >> seconds;
    if (number(hard) == 0 && number(soft) == 0)
      return {.what = what,
          .value = "none",
          .means =
              "A node that reads too slowly is never cut off, and what waits for it takes memory without a limit."};
    return {.what = what,
        .value = fmt::format("{} at once, {} for {} s", mebibytes(number(hard)), mebibytes(number(soft)), seconds),
        .means =
            "A node that reads too slowly is cut off there, and connects again. Its canaries show it, and what it "
            "missed "
            "in durable rooms is read from the database."};
  }
  return {.what = what, .value = *value, .means = "The server says nothing of subscribers."};
}

Line replica(const BusReplica& one) {
  std::string means =
      "It has not finished its copy, or has lost its primary. If it took over now, rooms that are not "
      "durable would be empty or out of date.";
  if (is_gone(one)) means = "It is away, and the sentinels do not choose it.";
  if (complete(one))
    means = "It can take over. Rooms that are not durable begin a new epoch then, and presence is written again.";
  return {.what = "replica " + address(one),
      .value = primary_says(one) +
          (one.link ? ", master_link_status " + *one.link : ", cannot be asked from here: " + one.why),
      .means = std::move(means)};
}

} // namespace

Lines describe_bus(const BusServer& bus) {
  Lines out{appending(bus), least_replicas(bus)};
  memory(bus, out);
  out.push_back(buffers(bus));
  if (bus.replicas.empty())
    out.push_back({.what = "replicas",
        .value = "none follow",
        .means =
            "While the server is away, nodes reach each other through the database; presence and rooms that are not "
            "durable wait for it."});
  for (const BusReplica& one : bus.replicas) out.push_back(replica(one));
  const std::string failover = field(bus, "master_failover_state");
  if (!failover.empty() && failover != kNoFailover)
    out.push_back({.what = "master_failover_state",
        .value = failover,
        .means = "A failover is going on: the server holds back what nodes publish until it has ended."});
  return out;
}

Troubles judge_bus_server(const BusServer& bus) {
  Troubles out;
  for (const BusReplica& one : bus.replicas)
    if (!complete(one) && !is_gone(one))
      out.push_back({.cause = Cause::REPLICA_INCOMPLETE,
          .where = "bus",
          .message = fmt::format("The replica {} is not ready to take over: {}, {}.", address(one), primary_says(one),
              one.link ? "master_link_status " + *one.link : "and it cannot be asked: " + one.why)});
  if (const std::string policy = field(bus, "maxmemory_policy"); !policy.empty() && policy != "noeviction")
    out.push_back({.cause = Cause::BUS_UNSUITABLE,
        .where = "bus",
        .message = fmt::format("Its maxmemory-policy is {}, not noeviction.", policy)});
  return out;
}

} // namespace foyer::cluster
