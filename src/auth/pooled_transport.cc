#include "auth/pooled_transport.h"

namespace foyer::auth {

void PooledTransport::send(Call call, client::HttpCompletion done) {
  pool_.send({.method = std::move(call.method),
                 .target = std::move(call.target),
                 .headers = std::move(call.headers),
                 .body = std::move(call.body),
                 .connect_timeout = call.connect_timeout,
                 .timeout = call.timeout,
                 .repeatable = call.repeatable,
                 .own_connection = call.own_connection},
      std::move(done));
}

} // namespace foyer::auth
