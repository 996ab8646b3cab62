#include "redis/slot_map.h"

#include <algorithm>
#include <charconv>

namespace foyer::redis {
namespace {

template <class N>
bool read_number(std::string_view digits, N& out) {
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return fault == std::errc{} && end == digits.data() + digits.size();
}

// [host or nil, port, id, …]. "?" stands for a host that is not known yet.
std::optional<Endpoint> node_of(const Reply& item, const Endpoint& asked) {
  if (item.kind != Reply::Kind::array || item.items.size() < 2 || item.items[1].kind != Reply::Kind::integer)
    return std::nullopt;
  const Reply& host = item.items[0];
  if (!host.is_nil() && !host.is_text()) return std::nullopt;
  return read_endpoint(host.text.empty() ? asked.host : host.text, std::to_string(item.items[1].integer));
}

} // namespace

std::size_t SlotMap::covered() const { return kSlots - static_cast<std::size_t>(std::ranges::count(of_, kNone)); }

std::vector<Slot> SlotMap::lowest() const {
  std::vector<bool> seen(primaries_.size(), false);
  std::vector<Slot> out;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    if (of_[slot] == kNone || seen[of_[slot]]) continue;
    seen[of_[slot]] = true;
    out.push_back(static_cast<Slot>(slot));
  }
  return out;
}

void SlotMap::set(Slot slot, const Endpoint& primary) {
  const auto found = std::ranges::find(primaries_, primary);
  const auto index = static_cast<std::size_t>(found - primaries_.begin());
  if (found == primaries_.end()) {
    if (primaries_.size() >= kMostPrimaries) return;
    primaries_.push_back(primary);
  }
  of_.at(slot) = static_cast<std::uint16_t>(index);
}

void SlotMap::add_replica(const Endpoint& replica) {
  if (replicas_.size() < kMostPrimaries && std::ranges::find(replicas_, replica) == replicas_.end())
    replicas_.push_back(replica);
}

std::expected<SlotMap, std::string> read_slots(const Reply& reply, const Endpoint& asked) {
  constexpr auto wrong = "it said what no node of a cluster says";
  SlotMap out;
  if (reply.kind != Reply::Kind::array) return std::unexpected(wrong);
  for (const Reply& range : reply.items) {
    if (range.kind != Reply::Kind::array || range.items.size() < 3) return std::unexpected(wrong);
    const std::int64_t first = range.items[0].integer, last = range.items[1].integer;
    const auto primary = node_of(range.items[2], asked);
    if (range.items[0].kind != Reply::Kind::integer || range.items[1].kind != Reply::Kind::integer || first < 0 ||
        last < first || last >= static_cast<std::int64_t>(kSlots) || !primary)
      return std::unexpected(wrong);
    for (std::int64_t slot = first; slot <= last; ++slot) {
      if (out.at(static_cast<Slot>(slot)) != nullptr) return std::unexpected(wrong); // a slot has one primary
      out.set(static_cast<Slot>(slot), *primary);
    }
    for (std::size_t i = 3; i < range.items.size(); ++i)
      if (const auto replica = node_of(range.items[i], asked)) out.add_replica(*replica);
  }
  return out;
}

std::optional<ClusterState> read_cluster_info(std::string_view text) {
  ClusterState out;
  bool said = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    constexpr std::string_view kState = "cluster_state:", kEpoch = "cluster_current_epoch:";
    if (line.starts_with(kState)) {
      said = true;
      out.ok = line.substr(kState.size()) == "ok";
    } else if (line.starts_with(kEpoch) && !read_number(line.substr(kEpoch.size()), out.epoch)) {
      return std::nullopt;
    }
  }
  return said ? std::optional(out) : std::nullopt;
}

} // namespace foyer::redis
