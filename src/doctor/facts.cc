#include "doctor/facts.h"

#include "wire/http_lines.h"

namespace foyer::doctor {

bool Exchange::upgraded() const {
  if (!is_http || status != 101 || version_minor != 1 || !accept_right) return false;
  const std::string* protocol = headers.find("Upgrade");
  return protocol != nullptr && iequals(*protocol, "websocket") &&
      wire::list_has_token(headers.joined("Connection"), "upgrade");
}

} // namespace foyer::doctor
