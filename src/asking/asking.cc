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

KeptPtr with_meta(KeptPtr kept, const std::optional<std::string>& meta) {
  if (!meta) return kept;
  Kept next = kept ? *kept : Kept{};
  next.meta = *meta;
  return std::make_shared<const Kept>(std::move(next));
}

} // namespace foyer::asking
