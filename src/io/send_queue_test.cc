#include "io/send_queue.h"

#include <gmock/gmock.h>

#include <array>
#include <random>
#include <string>

using namespace foyer;
using namespace foyer::io;

namespace {

std::string text(const Backlog& backlog) {
  std::array<iovec, 64> pieces;
  std::string all;
  const std::size_t count = backlog.gather(pieces);
  for (std::size_t i = 0; i < count; ++i) all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return all;
}

} // namespace

TEST(BatchQueue, ConnectionsWithTheSameFramesShareOneListAndOneLayout) {
  BatchQueue queue;
  const auto one = share("one,"), two = share("two,");
  BatchQueue::List a = BatchQueue::kEmpty, b = a;
  a = queue.append(a, one);
  b = queue.append(b, one);
  a = queue.append(a, two);
  b = queue.append(b, two);
  EXPECT_EQ(a, b);
  EXPECT_EQ(queue.size(a), 8U);
  EXPECT_EQ(queue.contiguous(a), "one,two,");
  EXPECT_EQ(queue.contiguous(a)->data(), queue.contiguous(b)->data());
  EXPECT_EQ(one.use_count(), 2) << "one reference for both connections";
}

TEST(BatchQueue, ListsThatPartWaysKeepTheirOwnOrder) {
  BatchQueue queue;
  const auto one = share("one,"), two = share("two,");
  const auto a = queue.append(queue.append(BatchQueue::kEmpty, one), two);
  const auto b = queue.append(queue.append_copy(BatchQueue::kEmpty, "pong,"), two);
  const auto c = queue.append_copy(queue.append(BatchQueue::kEmpty, one), "sent,");
  EXPECT_EQ(queue.contiguous(a), "one,two,");
  EXPECT_EQ(queue.contiguous(b), "pong,two,");
  EXPECT_EQ(queue.contiguous(c), "one,sent,");
  EXPECT_EQ(queue.contiguous(a), "one,two,");
}

TEST(BatchQueue, GivesTheMemoryOfALargeTurnBackAndGoesOn) {
  BatchQueue queue;
  const auto fill = [&] {
    for (int i = 0; i < 5'000; ++i) static_cast<void>(queue.append_copy(BatchQueue::kEmpty, "some bytes"));
  };
  EXPECT_FALSE(queue.large());
  fill();
  EXPECT_TRUE(queue.large());
  queue.clear();
  queue.shrink();
  EXPECT_FALSE(queue.large());
  fill();
  EXPECT_EQ(queue.contiguous(queue.append_copy(BatchQueue::kEmpty, "again")), "again");
}

TEST(BatchQueue, ASingleBufferIsNotCopiedWhateverItsSize) {
  BatchQueue queue;
  const auto big = share(std::string(1'000'000, 'x'));
  const auto list = queue.append(BatchQueue::kEmpty, big);
  ASSERT_TRUE(queue.contiguous(list));
  EXPECT_EQ(queue.contiguous(list)->data(), big->data());
  const auto longer = queue.append(list, share("more"));
  EXPECT_EQ(queue.contiguous(longer), std::nullopt);
  EXPECT_EQ(queue.size(longer), 1'000'004U);
}

TEST(BatchQueue, NothingIsNothing) {
  BatchQueue queue;
  EXPECT_EQ(queue.append(BatchQueue::kEmpty, share("")), BatchQueue::kEmpty);
  EXPECT_EQ(queue.append(BatchQueue::kEmpty, nullptr), BatchQueue::kEmpty);
  EXPECT_EQ(queue.append_copy(BatchQueue::kEmpty, ""), BatchQueue::kEmpty);
  EXPECT_EQ(queue.size(BatchQueue::kEmpty), 0U);
}

TEST(BatchQueue, ATurnsEndReleasesItsBuffers) {
  BatchQueue queue;
  const auto one = share("one");
  (void)queue.append(BatchQueue::kEmpty, one);
  queue.clear();
  EXPECT_EQ(one.use_count(), 1);
  EXPECT_EQ(queue.contiguous(queue.append_copy(BatchQueue::kEmpty, "next")), "next");
}

TEST(Backlog, KeepsAListAsItWasAndGoesOnWhereTheKernelStopped) {
  BatchQueue queue;
  const auto list = queue.append_copy(queue.append(BatchQueue::kEmpty, share("first,")), "second,");
  Backlog backlog;
  queue.keep(list, backlog);
  queue.clear();
  EXPECT_EQ(text(backlog), "first,second,");
  backlog.consume(8);
  EXPECT_EQ(text(backlog), "cond,");
  EXPECT_EQ(backlog.bytes(), 5U);
  backlog.consume(5);
  EXPECT_TRUE(backlog.empty());
}

TEST(Backlog, DroppingFinishesTheUnitThatWasBegunAndNoOther) {
  Backlog backlog;
  for (const char* unit : {"aaaa", "bbbb", "cccc"}) backlog.push(share(unit));
  backlog.consume(6);
  EXPECT_EQ(backlog.drop_unstarted(), 4U);
  EXPECT_EQ(text(backlog), "bb");
  backlog.push(share("close"));
  EXPECT_EQ(text(backlog), "bbclose");

  Backlog at_a_border;
  for (const char* unit : {"aaaa", "bbbb"}) at_a_border.push(share(unit));
  at_a_border.consume(4);
  EXPECT_EQ(at_a_border.drop_unstarted(), 4U);
  EXPECT_TRUE(at_a_border.empty());
}

TEST(Backlog, LosesNothingOverAnyPartition) {
  std::mt19937 random{11};
  for (int round = 0; round < 50; ++round) {
    Backlog backlog;
    std::string in, out;
    for (int i = 0; i < 500; ++i) {
      const std::string unit(1 + random() % 20, static_cast<char>('a' + i % 26));
      in += unit;
      backlog.push(share(unit));
      if (random() % 2) continue;
      const std::string waiting = text(backlog);
      const std::size_t taken = random() % (waiting.size() + 1);
      out += waiting.substr(0, taken);
      backlog.consume(taken);
    }
    while (!backlog.empty()) {
      const std::string waiting = text(backlog);
      out += waiting;
      backlog.consume(waiting.size());
    }
    EXPECT_EQ(in, out);
  }
}
