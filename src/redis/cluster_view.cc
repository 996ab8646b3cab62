#include "redis/cluster_view.h"

#include <algorithm>
#include <utility>

namespace foyer::redis {

ClusterView::ClusterView(std::vector<Endpoint> seeds) : seeds_(std::move(seeds)) {}

std::vector<Endpoint> ClusterView::nodes() const {
  std::vector<Endpoint> out;
  for (const auto* list : {&map_->primaries(), &seeds_, &map_->replicas()})
    for (const Endpoint& each : *list)
      if (out.size() < kMostAskedNodes && std::ranges::find(out, each) == out.end()) out.push_back(each);
  return out;
}

void ClusterView::said(const Endpoint& node, std::expected<ClusterAnswer, std::string> what, MonoTime now) {
  if (what) {
    last_[node] = {.ok = what->state.ok, .why = node.shown() + " says that the cluster is down"};
    const bool newest = what->state.epoch >= epoch_;
    // A node that lost the others may have no slots, or see too few; it has the present number all the same.
    const bool fewer = what->slots.covered() < map_->covered() && !what->state.ok;
    const bool patience_over = !newest_at_ || now - *newest_at_ >= kClusterPatience;
    if ((newest && !fewer) || patience_over) {
      epoch_ = what->state.epoch;
      newest_at_ = now;
      if (*map_ != what->slots) map_ = std::make_shared<const SlotMap>(std::move(what->slots));
    }
  } else {
    last_[node] = {.why = std::move(what).error()};
  }
  const auto asked = nodes();
  std::erase_if(last_, [&](const auto& entry) { return std::ranges::find(asked, entry.first) == asked.end(); });
}

void ClusterView::moved(const Redirect& redirect) {
  const Endpoint* now = map_->at(redirect.slot);
  if (now != nullptr && *now == redirect.to) return;
  auto changed = std::make_shared<SlotMap>(*map_);
  changed->set(redirect.slot, redirect.to);
  map_ = std::move(changed);
}

std::optional<std::string> ClusterView::trouble() const {
  std::string why;
  std::size_t ok = 0, down = 0;
  for (const Endpoint& node : nodes()) {
    const auto found = last_.find(node);
    if (found == last_.end()) {
      if (map_->covered() == 0) return std::nullopt; // it is being asked
      continue;
    }
    if (found->second.ok)
      ++ok;
    else
      why += (down++ == 0 ? "" : "; ") + found->second.why;
  }
  if (ok == 0 && down > 0) return why;
  if (ok > 0 && map_->covered() < kSlots)
    return std::to_string(kSlots - map_->covered()) + " slots of the cluster have no primary";
  return std::nullopt;
}

} // namespace foyer::redis
