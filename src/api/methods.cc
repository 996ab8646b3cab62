#include <algorithm>
#include <vector>

#include "api/method.h"
#include "api/method_groups.h"

namespace foyer::api {

std::string_view regex_of(Grammar grammar) {
  switch (grammar) {
    case Grammar::none: return {};
    case Grammar::room:
      return "^(?!(?:[Pp][Rr][Ii][Vv][Aa][Tt][Ee]|[Dd][Ii][Rr][Ee][Cc][Tt]|[Uu][Ss][Ee][Rr]):)[A-Za-z0-9._-](?:[A-Za-"
             "z0-9._:-]{0,62}"
             "[A-Za-z0-9._-])?$|^(?:private|direct):[a-z0-9._-]{1,64}$|^user:[A-Za-z0-9._:@|-]{1,128}$";
    case Grammar::private_room: return "^private:[a-z0-9._-]{1,64}$";
    case Grammar::pattern: return "^[A-Za-z0-9._:@|~*-]*$";
    case Grammar::user: return "^(?:[A-Za-z0-9._:@|-]{1,128}|[A-Za-z0-9._:@|-]{0,84}~[A-Za-z0-9_-]{43})$";
    case Grammar::person:
      return "^(?!app:|system:)(?:[A-Za-z0-9._:@|-]{1,128}|[A-Za-z0-9._:@|-]{0,84}~[A-Za-z0-9_-]{43})$";
    case Grammar::key: return "^[!-~]*$";
    case Grammar::place: return "^(?:[0-9a-f]{12}(?:[.][A-Za-z0-9_-]{1,64})?)?$";
  }
  return {};
}

std::span<const Method> methods() {
  static const std::vector<Method> kAll = [] {
    std::vector<Method> all;
    for (const auto part : {message_methods(), room_methods(), access_methods(), client_methods()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return kAll;
}

const Method* find_method(std::string_view name) {
  const auto all = methods();
  const auto found = std::ranges::find(all, name, &Method::name);
  return found == all.end() ? nullptr : &*found;
}

} // namespace foyer::api
