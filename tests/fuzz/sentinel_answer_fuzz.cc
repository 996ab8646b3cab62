// What sentinels answer, as bytes: read without harm, and what is believed is an address.
#include <vector>

#include "fuzz.h"
#include "redis/sentinel_view.h"

using namespace foyer::redis;

FUZZER(sentinel_answer) {
  ReplyReader reader({.bytes = 64 * 1024, .items = 2'000});
  reader.feed(input);
  std::vector<Reply> replies;
  while (auto reply = reader.next()) replies.push_back(std::move(*reply));
  SentinelView view({{"a", 1}, {"b", 2}});
  for (std::size_t i = 0; i + 1 < replies.size(); i += 2) {
    auto answer = read_sentinel_answer(replies[i], replies[i + 1]);
    if (answer) {
      const Endpoint& at = answer->primary;
      invariant(read_endpoint(at.host, std::to_string(at.port)) == at, "a primary has a host and a port");
      for (const unsigned char c : answer->flags) invariant(c >= 0x20, "flags are printable");
    } else {
      invariant(!answer.error().empty(), "what is not believed has a reason");
    }
    const bool named = answer.has_value();
    view.said(i / 2 % 2, std::move(answer), foyer::MonoTime{});
    invariant(!named || view.primary(), "a primary that was named is known");
  }
}
