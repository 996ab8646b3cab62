// The real network: a Transport over persistent connections to one server.
#pragma once

#include "auth/transport.h"
#include "client/http_pool.h"
#include "exec/control.h"

namespace foyer::auth {

class PooledTransport final : public Transport {
 public:
  PooledTransport(exec::ControlPlane& plane, client::PoolOptions options)
      : pool_(client::pool_driver(plane), std::move(options)) {}
  void send(Call call, client::HttpCompletion done) override;

 private:
  client::HttpPool pool_;
};

} // namespace foyer::auth
