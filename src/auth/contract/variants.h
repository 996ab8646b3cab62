// Typical copying mistakes in a secret, and how two
// processes find out which one happened without showing the secret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace foyer::auth {

struct Variant {
  std::string name;   // "as it is", "plus a newline", …: what has to be done to ours to become theirs
  std::string secret; // the variant itself; never logged
};
// The secret as it is (always first), and what copying it may have made of it:
// plus or minus a newline (LF, CRLF), surrounding space, quotes, a byte order mark,
// base64 or hex decoded or encoded. Each once, and none that is empty.
[[nodiscard]] std::vector<Variant> variants(std::string_view secret);

} // namespace foyer::auth
