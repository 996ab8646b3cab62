// Replies of a Redis server: the same however the bytes are split, bounded, and an error is final.
#include <vector>

#include "fuzz.h"
#include "redis/reply.h"

using namespace foyer::redis;

namespace {

constexpr ReplyLimits kLimits{.bytes = 64 * 1024, .items = 2'000};

struct Outcome {
  std::vector<Reply> replies;
  bool failed = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::size_t count(const Reply& reply) {
  std::size_t sum = 1;
  for (const auto& item : reply.items) sum += count(item);
  return sum;
}

Outcome read(std::string_view bytes, std::size_t piece) {
  ReplyReader reader(kLimits);
  Outcome out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.substr(at, piece));
    while (auto reply = reader.next()) {
      invariant(count(*reply) <= kLimits.items, "a reply has no more items than allowed");
      out.replies.push_back(std::move(*reply));
    }
    if (!reader.error().empty()) break;
  }
  out.failed = !reader.error().empty();
  reader.feed("+more\r\n");
  if (out.failed) invariant(!reader.next(), "an error is final");
  return out;
}

} // namespace

FUZZER(redis_reply) {
  const std::size_t piece = input.empty() ? 1 : static_cast<unsigned char>(input[0]) % 64U + 1U;
  const std::string_view bytes = input.substr(std::min<std::size_t>(1, input.size()));
  const Outcome whole = read(bytes, std::max<std::size_t>(1, bytes.size()));
  invariant(read(bytes, piece) == whole, "pieces change nothing");
  // What was read as a list of texts is a command, and reads as itself.
  for (const auto& reply : whole.replies) {
    Command words;
    for (const auto& item : reply.items)
      if (item.kind == Reply::Kind::text) words.push_back(item.text);
    if (words.empty() || words.size() != reply.items.size()) continue;
    std::string written;
    append_command(written, words);
    ReplyReader reader;
    reader.feed(written);
    invariant(reader.next() == reply, "a written command reads as it was");
  }
}
