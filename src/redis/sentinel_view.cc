#include "redis/sentinel_view.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "redis/failure.h"

namespace foyer::redis {
namespace {

constexpr std::size_t kFlagBytes = 100;

std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return fault == std::errc{} && end == digits.data() + digits.size() ? value : 0;
}

// One of the words between commas.
bool has_flag(std::string_view flags, std::string_view word) {
  while (!flags.empty()) {
    const auto end = std::min(flags.find(','), flags.size());
    if (flags.substr(0, end) == word) return true;
    flags.remove_prefix(std::min(end + 1, flags.size()));
  }
  return false;
}

} // namespace

std::expected<SentinelAnswer, std::string> read_sentinel_answer(const Reply& address, const Reply& master) {
  if (address.is_nil()) return std::unexpected("it knows no primary of that name");
  if (address.kind == Reply::Kind::error) return std::unexpected("it refused: " + shown_error(address.text));
  std::optional<Endpoint> at;
  if (address.kind == Reply::Kind::array && address.items.size() == 2)
    at = read_endpoint(address.items[0].text, address.items[1].text);
  if (!at) return std::unexpected("it said what no sentinel says");
  SentinelAnswer answer{.primary = *std::move(at)};
  for (std::size_t i = 0; i + 1 < master.items.size(); i += 2) {
    const std::string& value = master.items[i + 1].text;
    if (master.items[i].text == "config-epoch") answer.epoch = number(value);
    if (master.items[i].text != "flags") continue;
    answer.flags = printable(value, kFlagBytes);
    answer.sees_down = has_flag(value, "s_down") || has_flag(value, "o_down");
  }
  return answer;
}

SentinelView::SentinelView(std::vector<Endpoint> sentinels) {
  for (Endpoint& each : sentinels) sentinels_.push_back({.at = std::move(each)});
}

void SentinelView::said(std::size_t sentinel, std::expected<SentinelAnswer, std::string> what, MonoTime now) {
  sentinels_.at(sentinel).last = std::move(what);
  choose(now);
}

void SentinelView::choose(MonoTime now) {
  std::uint64_t highest = 0;
  std::map<Endpoint, std::size_t> named; // with the highest number
  bool still = false;                    // one names the present primary, with its number
  for (const One& one : sentinels_) {
    if (!one.last || !*one.last) continue;
    const SentinelAnswer& answer = **one.last;
    if (answer.epoch > highest) named.clear();
    highest = std::max(highest, answer.epoch);
    if (answer.epoch == highest) ++named[answer.primary];
    still = still || (answer.epoch == epoch_ && answer.primary == primary_);
  }
  if (named.empty()) {
    contradicted_.reset();
    return;
  }
  if (primary_ && highest <= epoch_) {
    if (still) {
      contradicted_.reset();
      return;
    }
    if (!contradicted_) contradicted_ = now;
    if (now - *contradicted_ < kSentinelPatience) return;
  }
  contradicted_.reset();
  epoch_ = highest;
  primary_ = std::ranges::max_element(named, {}, &std::pair<const Endpoint, std::size_t>::second)->first;
}

std::optional<std::string> SentinelView::trouble() const {
  std::string out;
  for (const One& one : sentinels_) {
    if (!one.last || *one.last) return std::nullopt;
    out += (out.empty() ? "" : "; ") + one.last->error();
  }
  return out;
}

std::optional<std::string> SentinelView::sees_down() const {
  std::string out;
  std::size_t answering = 0, down = 0;
  for (const One& one : sentinels_) {
    if (!one.last || !*one.last) continue;
    ++answering;
    const SentinelAnswer& answer = **one.last;
    if (!answer.sees_down || answer.primary != primary_) continue;
    ++down;
    out += (out.empty() ? "" : "; ") + one.at.shown() + " says " + answer.flags;
  }
  if (down * 2 <= answering) return std::nullopt;
  return out;
}

} // namespace foyer::redis
