// A script, and the digest by which EVALSHA names it. A connection loads the scripts of its Server with each login, so
// commands are carried out in the order of the calls: none has to be sent a second time.
#pragma once

#include <string>

namespace foyer::redis {

struct Script {
  explicit Script(std::string text);

  std::string text;
  std::string digest; // SHA-1, 40 hexadecimal digits
};

} // namespace foyer::redis
