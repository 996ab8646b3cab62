// Streamed answers. The next piece is requested once the socket has taken everything before it, so a slow client delays
// only its own source.
#include "http/connection.h"
#include "http/port.h"

namespace foyer::http {

void Connection::respond_with_stream(Response response) {
  if (!is_chunked()) {
    last_request_ = true;
    transport_.reset_if_cut(); // the end of the connection is the only end of such a body
  }
  source_ = std::move(response.stream);
  phase_ = Phase::sending;
  send(wire::write_stream_head(response, is_chunked(), !last_request_, wire::http_date(port_.loop().wall())));
  schedule();
  look_again();
}

void Connection::ask_for_piece() {
  phase_ = Phase::making;
  source_->next([&port = port_, id = id_, alive = port_.alive()](Result<BodySource::Piece> piece) {
    if (!*alive) return;
    port.loop().post([&port, id, piece = std::move(piece)]() mutable {
      if (Connection* connection = port.find(id)) connection->piece_arrived(std::move(piece));
    });
  });
}

void Connection::piece_arrived(Result<BodySource::Piece> piece) {
  if (phase_ != Phase::making) return;
  if (!piece) return cut_stream(piece.error());
  std::string out;
  if (!is_chunked())
    out = std::move(piece->bytes);
  else if (!piece->bytes.empty())
    wire::append_chunk(out, piece->bytes);
  if (piece->last && is_chunked()) out += wire::kLastChunk;
  if (!out.empty()) send(std::move(out));
  if (!piece->last) {
    phase_ = Phase::sending;
    schedule();
    return look_again();
  }
  source_.reset();
  answered();
  if (phase_ == Phase::reading) read({});
  settle();
}

void Connection::cut_stream(const Refusal& refusal) {
  report(refusal);
  phase_ = Phase::closing;
  source_.reset();
  transport_.abort();
}

} // namespace foyer::http
