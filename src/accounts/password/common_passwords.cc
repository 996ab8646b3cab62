#include <algorithm>
#include <string_view>
#include <vector>

#include "accounts/model/names.h"
#include "accounts/password/passwords.h"

namespace foyer::accounts {
namespace {

constexpr std::string_view kList =
#include "accounts/password/common_passwords.inc"
    ;

const std::vector<std::string_view>& sorted_list() {
  static const std::vector<std::string_view> words = [] {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < kList.size();) {
      const auto space = kList.find(' ', at);
      out.push_back(kList.substr(at, space - at));
      at = space + 1;
    }
    std::ranges::sort(out);
    return out;
  }();
  return words;
}

} // namespace

bool is_common_password(std::string_view password) {
  const std::string lower = name_key(password);
  return std::ranges::binary_search(sorted_list(), std::string_view{lower});
}

} // namespace foyer::accounts
