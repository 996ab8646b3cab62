// Typical copying mistakes in a secret, and how two
// processes find out which one happened without revealing the secret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace foyer::auth {

struct Variant {
  std::string name;   // "as it is", "plus a newline", …: the change that turns our secret into theirs
  std::string secret; // the variant itself; never logged
};
// The secret itself (always first), and its possible forms after a careless copy:
// plus or minus a newline (LF, CRLF), surrounding space, quotes, a byte order mark,
// base64 or hex decoded or encoded. Each once, and never empty.
[[nodiscard]] std::vector<Variant> variants(std::string_view secret);

} // namespace foyer::auth
