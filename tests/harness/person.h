// A person of a scenario, what it can do without the rest of the story, and what can be said of it. Whatever is not as
// expected is thrown as a std::runtime_error, in words.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/refusal.h"
#include "harness/peer.h"
#include "harness/words.h"

namespace foyer::harness {

// Its connection, and what the server said when it came.
struct Person {
  std::unique_ptr<Peer> peer;
  Identity identity;   // of its token
  std::string welcome; // authentication_success
};

[[noreturn]] void differ(std::string what);

// "N times TEXT", in one piece; a backslash before r and n means what it means elsewhere.
void sends_bytes(Person& p, std::string_view text);
void says_in_pieces(Person& p, Words& words);
void says_last(Person& p, std::string_view text);
void send_pings(Person& p, const std::string& count);
void stop_reading(Person& p);
void welcome(Person& p);
void hears_binary(Person& p, std::string_view expected);
std::string heard(const Person& p);
void receives_nothing(const Person& p);
void is_open(const Person& p);
void is_closed(const Person& p, Words& words);
void is_upgraded(const Person& p, Words& words);
void has_header(const Response& answer, std::string_view wanted);

} // namespace foyer::harness
