// One segment of a compact token: base64url in its canonical form (RFC 7515
// §2: no padding, white space or line breaks; unused bits zero). The same rules as
// base64url_decode, four characters at a time, since every connection needs it.
#pragma once

#include <string>
#include <string_view>

namespace foyer::jose {

// False, and `out` unspecified, for any other text.
[[nodiscard]] bool decode_segment(std::string_view segment, std::string& out);

} // namespace foyer::jose
