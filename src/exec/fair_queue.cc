#include "exec/fair_queue.h"

#include <algorithm>
#include <utility>

namespace foyer::exec {

std::size_t FairQueue::place(const Share& share) {
  // Owners that submit often come after all logins, known or not, and before registrations.
  static constexpr std::array<std::array<std::size_t, 2>, 3> kPlaces{{{0, 2}, {1, 3}, {4, 5}}};
  return kPlaces.at(static_cast<std::size_t>(share.of)).at(share.often ? 1 : 0);
}

std::size_t FairQueue::waiting_of(const Class& of, const Share& share) const {
  const auto line = of.by_network.find(share.network);
  if (line == of.by_network.end()) return 0;
  const auto found = line->second.by_address.find(share.address);
  return found == line->second.by_address.end() ? 0 : found->second.size();
}

FairQueue::Push FairQueue::push(Work work) {
  Push out;
  if (work.share.often) demote(work.share);
  if (size_ >= limit_) {
    out.dropped = make_room(work.share);
    if (!out.dropped) {
      out.dropped = std::move(work);
      return out;
    }
  }
  add(std::move(work));
  out.taken = true;
  return out;
}

void FairQueue::add(Work work) {
  Class& of = classes_.at(place(work.share));
  auto [line, new_network] = of.by_network.try_emplace(work.share.network);
  if (new_network) of.turn.push_back(work.share.network);
  auto [queue, new_address] = line->second.by_address.try_emplace(work.share.address);
  if (new_address) line->second.turn.push_back(work.share.address);
  queue->second.push_back(std::move(work));
  ++of.size;
  ++size_;
}

void FairQueue::demote(Share share) {
  share.often = false;
  Class& from = classes_.at(place(share));
  std::deque<Work> works;
  while (waiting_of(from, share) > 0) works.push_front(take_newest(from, share.network, share.address));
  for (Work& work : works) {
    work.share.often = true;
    add(std::move(work));
  }
}

// From the last class with work, from the address with most of it. Work never makes room for an
// earlier class than its own, nor for an owner who would then have as much.
std::optional<Work> FairQueue::make_room(const Share& newcomer) {
  const std::size_t own = place(newcomer);
  for (std::size_t i = kClasses; i-- > own;) {
    Class& of = classes_.at(i);
    if (of.size == 0) continue;
    const std::string* network = nullptr;
    const std::string* address = nullptr;
    std::size_t most = 0;
    for (const auto& [name, line] : of.by_network)
      for (const auto& [each, queue] : line.by_address)
        if (queue.size() > most) most = queue.size(), network = &name, address = &each;
    if (i == own && most <= waiting_of(of, newcomer) + 1) return std::nullopt;
    return take_newest(of, std::string(*network), std::string(*address));
  }
  return std::nullopt;
}

Work FairQueue::take_newest(Class& from, const std::string& network, const std::string& address) {
  Line& line = from.by_network.at(network);
  auto& queue = line.by_address.at(address);
  Work work = std::move(queue.back());
  queue.pop_back();
  if (queue.empty()) {
    line.by_address.erase(address);
    std::erase(line.turn, address);
  }
  if (line.turn.empty()) {
    from.by_network.erase(network);
    std::erase(from.turn, network);
  }
  --from.size;
  --size_;
  return work;
}

FairQueue::Class* FairQueue::next_class() {
  const auto has_work = [](const Class& c) { return c.size > 0; };
  auto* const first = std::ranges::find_if(classes_, has_work);
  if (first == classes_.end()) return nullptr;
  const bool alone = first->size == size_;
  if (alone) in_a_row_ = 0;
  if (alone || in_a_row_++ < kInARow) return first;
  in_a_row_ = 0;
  // The lines after the first take turns.
  const std::size_t start = static_cast<std::size_t>(first - classes_.begin());
  for (std::size_t step = 1; step <= kClasses; ++step) {
    const std::size_t at = (yielded_ + step) % kClasses;
    if (at <= start || classes_.at(at).size == 0) continue;
    yielded_ = at;
    return &classes_.at(at);
  }
  return first;
}

std::optional<Work> FairQueue::pop() {
  Class* const of = next_class();
  if (of == nullptr) return std::nullopt;
  std::string network = std::move(of->turn.front());
  of->turn.pop_front();
  Line& line = of->by_network.at(network);
  std::string address = std::move(line.turn.front());
  line.turn.pop_front();
  auto& queue = line.by_address.at(address);
  Work work = std::move(queue.front());
  queue.pop_front();
  if (queue.empty())
    line.by_address.erase(address);
  else
    line.turn.push_back(std::move(address));
  if (line.turn.empty())
    of->by_network.erase(network);
  else
    of->turn.push_back(std::move(network));
  --of->size;
  --size_;
  return work;
}

} // namespace foyer::exec
