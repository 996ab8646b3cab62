// Values of options as they are written: what was read is the same when written and
// read again, and no error repeats what was written.
#include <string>

#include "base/bytes.h"
#include "config/illegal.h"
#include "config/secrets.h"
#include "config/table.h"
#include "config/values.h"
#include "fuzz.h"
#include "http/client_address.h"

using namespace foyer;
using namespace foyer::config;

namespace {

void check_forms(std::string_view text) {
  if (const auto size = parse_size(text))
    invariant(parse_size(format_size(*size)) == size, "a size is the same when written");
  if (const auto time = parse_duration(text)) {
    invariant(time->count() >= 0, "a duration is not negative");
    invariant(parse_duration(format_duration(*time)) == time, "a duration is the same when written");
  }
  if (const auto count = parse_count(text)) {
    invariant(text.find_first_not_of("0123456789") == std::string_view::npos, "a count is digits");
    invariant(parse_size(text) == count, "a count is a size");
  }
  if (const auto address = parse_host_port(text)) {
    const auto again = parse_host_port(format_host_port(*address));
    invariant(
        again && again->host == address->host && again->port == address->port, "an address is the same when written");
  }
  invariant(is_cidr(text) == http::Network::parse(text).has_value(), "a range is one to both who read it");
  if (const auto network = http::Network::parse(text))
    invariant(network->contains(text.substr(0, text.find('/'))), "a range holds its own address");
  (void)is_placeholder(text, true);
  (void)is_placeholder(text, false);
  (void)weakness(text, 32);
  for (const auto& fault : {illegal_character(text), illegal_in_word(text)})
    if (fault) invariant(is_utf8(*fault) && fault->size() < 128, "a fault is told in a few words");
  invariant(!is_utf8(text) ? illegal_character(text).has_value() : true, "a value is UTF-8");
}

// Any text for any option.
void check_option(const Option& option, std::string_view text) {
  Config config;
  const auto parsed = parse_value(option, text, config);
  if (!parsed) {
    invariant(parsed.error() == rule_text(option), "an error says the rule and nothing of the value");
    return;
  }
  const std::string written = format_value(option, config);
  Config again;
  if (written.empty() || holds_secret(option, text)) return;
  invariant(parse_value(option, written, again).has_value(), "a value that is written can be read");
  invariant(format_value(option, again) == written, "and is the same");
}

} // namespace

FUZZER(values) {
  check_forms(input);
  const auto options = all_options();
  fuzz::Bytes bytes(input);
  const std::size_t at = bytes.byte() % options.size();
  check_option(options[at], bytes.rest());
}
