#include "engine/redis/canaries.h"

#include <algorithm>
#include <set>
#include <utility>

#include "rooms/model/packed.h"

namespace foyer::engine {
namespace {

constexpr std::uint8_t kCanaryVersion = 1;
constexpr std::size_t kMostNodeBytes = 128;
constexpr std::size_t kMostVoices = 1'000; // remembered on each path; members are far fewer

} // namespace

std::optional<std::uint64_t> CanaryWatch::tick(MonoTime now) {
  if (last_tick_ && now - *last_tick_ < tick_ / 2) return std::nullopt;
  last_tick_ = now;
  ++ticks_;
  if (held_at_ != 0 && ticks_ <= held_at_ + 1) return ticks_;
  hearing_ = missing();
  hearing_.bus_deaf = !hearing_.unheard.empty();
  const std::uint64_t unread = ticks_ - read_at_;
  alone_for_ = hearing_.bus_deaf && unread <= kDatabaseSilence && others_hear_each_other() ? alone_for_ + 1 : 0;
  hearing_.alone = alone_for_ > kAlonePatience;
  const bool hears_itself = std::ranges::find(hearing_.unheard, self_) == hearing_.unheard.end();
  hearing_.node_deaf = hearing_.alone || (!hears_itself && unread > kDatabaseSilence);
  return ticks_;
}

void CanaryWatch::heard(std::size_t path, std::string_view node, std::uint64_t number) {
  Path& voices = paths_.at(path);
  const auto found = voices.find(node);
  if (found == voices.end()) {
    if (voices.size() < kMostVoices) voices.emplace(node, Voice{.number = number, .at = ticks_});
  } else if (number > found->second.number) { // a late one says nothing about now
    found->second = {.number = number, .at = ticks_};
  }
}

bool CanaryWatch::late() const {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const auto own = paths_[i].find(self_);
    if (ticks_ > std::max(since_[i], own == paths_[i].end() ? 0 : own->second.number) + 1) return true;
  }
  return false;
}

void CanaryWatch::held_back() {
  if (held_seen_ == 0 || ticks_ > std::exchange(held_seen_, ticks_) + 2) held_since_ = ticks_;
  held_seen_ = ticks_;
  if (ticks_ - held_since_ < kMostHeldBack) held_at_ = ticks_;
}

void CanaryWatch::members(std::vector<OtherMember> others) {
  read_at_ = ticks_;
  std::map<std::string, Known, std::less<>> now;
  for (OtherMember& other : others) {
    if (other.node == self_) continue;
    const auto known = others_.find(other.node);
    const std::uint64_t since = known == others_.end() ? ticks_ : known->second.since;
    const std::string node = other.node;
    now[node] = {.member = std::move(other), .since = since};
  }
  others_ = std::move(now);
  for (Path& path : paths_)
    std::erase_if(path, [this](const auto& voice) { return voice.first != self_ && !others_.contains(voice.first); });
}

// This node's own canaries say how late the path is; of others only that there are new ones.
Hearing CanaryWatch::missing() const {
  Hearing out;
  std::set<std::string> unheard;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    std::size_t missed = 0;
    const auto own = paths_[i].find(self_);
    const std::uint64_t arrived = std::max({held_at_, since_[i], own == paths_[i].end() ? 0 : own->second.number});
    if (ticks_ > arrived + kCanariesMissed + kCanaryGrace) {
      unheard.insert(self_);
      ++missed;
    }
    for (const auto& [node, other] : others_)
      if (is_missing(i, other)) {
        unheard.insert(node);
        ++missed;
      }
    if (missed > 0) out.paths.push_back(i);
  }
  out.unheard = {unheard.begin(), unheard.end()};
  return out;
}

bool CanaryWatch::is_missing(std::size_t path, const Known& other) const {
  const auto voice = paths_[path].find(other.member.node);
  if (voice == paths_[path].end()) return ticks_ > std::max(other.since, since_[path]) + kFirstCanary;
  return ticks_ > std::max(held_at_, voice->second.at) + kCanariesMissed + kCanaryGrace;
}

void CanaryWatch::resize(std::size_t paths) {
  paths_.resize(paths);
  since_.resize(paths, ticks_);
}

void CanaryWatch::renew(std::size_t path) {
  paths_.at(path).clear();
  since_.at(path) = ticks_;
}

bool CanaryWatch::others_hear_each_other() const {
  return !others_.empty() && std::ranges::all_of(others_, [this](const auto& entry) {
    const auto& unheard = entry.second.member.unheard;
    return unheard && std::ranges::all_of(*unheard, [this](const std::string& node) { return node == self_; });
  });
}

std::string to_bytes(const Canary& canary) {
  rooms::PackedWriter out;
  out.byte(kCanaryVersion);
  out.text(canary.node);
  out.number(canary.number);
  return out.take();
}

std::optional<Canary> read_canary(std::string_view bytes) {
  rooms::PackedReader in(bytes);
  if (in.byte() != kCanaryVersion) return std::nullopt;
  Canary canary;
  canary.node = in.text(kMostNodeBytes);
  canary.number = in.number();
  if (!in.whole()) return std::nullopt;
  return canary;
}

} // namespace foyer::engine
