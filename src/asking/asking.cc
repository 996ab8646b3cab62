#include "asking/asking.h"

namespace foyer::asking {

std::string_view to_string(Event event) {
  switch (event) {
    case Event::connect: return "connect";
    case Event::refresh: return "refresh";
    case Event::subscribe: return "subscribe";
    case Event::publish: return "publish";
  }
  return "?";
}

} // namespace foyer::asking
