#include "app/signing_key.h"

#include "store/file.h"

namespace foyer::app {

Result<jose::Key> configured_key(const config::Config& c) {
  const auto algorithm = jose::find_algorithm(c.jwt_algorithm);
  if (!c.jwt_secret_key.empty())
    return jose::Key::from_secret(c.jwt_secret_key, algorithm.value_or(jose::Algorithm::hs256));
  if (c.jwt_private_key_file.empty())
    return refuse(Cause::MISSING_JWT_SECRET, "neither JWT_SECRET_KEY nor JWT_PRIVATE_KEY_FILE is set");
  TRY(text, store::read_file(c.jwt_private_key_file));
  TRY(key, jose::Key::parse_any(text));
  return key.with_algorithm(algorithm.value_or(key.algorithm()));
}

} // namespace foyer::app
