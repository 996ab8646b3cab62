// What nodes of a cluster answer, as bytes: slots, state and redirections are read without harm, and what is believed
// are addresses.
#include <vector>

#include "fuzz.h"
#include "redis/cluster_view.h"

using namespace foyer::redis;

namespace {

bool is_address(const Endpoint& at) { return read_endpoint(at.host, std::to_string(at.port)) == at; }

} // namespace

FUZZER(cluster_answer) {
  const Endpoint asked{"10.0.0.9", 7000};
  ReplyReader reader({.bytes = 64 * 1024, .items = 2'000});
  reader.feed(input);
  ClusterView view({asked});
  std::optional<ClusterState> state;
  while (const auto reply = reader.next()) {
    if (const auto redirect = read_redirect(reply->text, asked)) {
      invariant(redirect->slot < kSlots && is_address(redirect->to), "a redirection has a slot and an address");
      view.moved(*redirect);
      invariant(*view.map()->at(redirect->slot) == redirect->to, "a redirection is believed");
    }
    if (const auto info = read_cluster_info(reply->text)) state = info;
    auto slots = read_slots(*reply, asked);
    if (!slots) {
      invariant(!slots.error().empty(), "what is not believed has a reason");
      continue;
    }
    for (const auto* list : {&slots->primaries(), &slots->replicas()})
      for (const Endpoint& each : *list) invariant(is_address(each), "a node has an address");
    for (const Slot slot : slots->lowest()) invariant(slots->at(slot) != nullptr, "the lowest slot has a primary");
    if (state) view.said(asked, ClusterAnswer{.state = *state, .slots = *std::move(slots)}, foyer::MonoTime{});
    invariant(view.nodes().size() <= kMostAskedNodes, "few nodes are asked");
  }
}
