#include "redis/reply.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace foyer::redis {

struct ReplyReader::Building {
  std::size_t most = 0;
  std::size_t items = 0;
  bool too_many = false;
};

namespace {

// hiredis calls these for each value as it is complete, and for each array as it begins. Items are appended to their
// array as they come, and not reserved by the announced length, which costs the sender nothing. An array that is
// being filled is the last item of the one above, so that appending never moves it.
Reply* placed(const redisReadTask* task, Reply reply) {
  auto& building = *static_cast<ReplyReader::Building*>(task->privdata);
  if (++building.items > building.most) {
    building.too_many = true;
    return nullptr;
  }
  if (task->parent == nullptr) return new Reply(std::move(reply));
  auto& items = static_cast<Reply*>(task->parent->obj)->items;
  items.push_back(std::move(reply));
  return &items.back();
}

void* create_string(const redisReadTask* task, char* bytes, std::size_t size) {
  Reply reply{.kind = task->type == REDIS_REPLY_ERROR ? Reply::Kind::error
          : task->type == REDIS_REPLY_STATUS          ? Reply::Kind::status
                                                      : Reply::Kind::text};
  reply.text.assign(bytes, size);
  return placed(task, std::move(reply));
}
void* create_array(const redisReadTask* task, int) { return placed(task, {.kind = Reply::Kind::array}); }
void* create_integer(const redisReadTask* task, long long value) {
  return placed(task, {.kind = Reply::Kind::integer, .integer = value});
}
void* create_nil(const redisReadTask* task) { return placed(task, {}); }
void free_object(void* reply) { delete static_cast<Reply*>(reply); } // of the outermost only

redisReplyObjectFunctions functions{create_string, create_array, create_integer, create_nil, free_object};

} // namespace

void append_command(std::string& out, std::span<const std::string> words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* bytes = nullptr;
  const int size = redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), starts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  out.append(bytes, static_cast<std::size_t>(size));
  std::free(bytes);
}

ReplyReader::ReplyReader(ReplyLimits limits)
    : limits_(limits),
      building_(std::make_unique<Building>(Building{.most = limits.items})),
      reader_(redisReaderCreateWithFunctions(&functions)) {
  if (!reader_) throw std::bad_alloc();
  reader_->privdata = building_.get();
}
ReplyReader::~ReplyReader() = default;
void ReplyReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

void ReplyReader::feed(std::string_view bytes) {
  if (!error_.empty()) return;
  if (given_ == ahead_.size()) {
    ahead_.clear();
    given_ = 0;
  }
  ahead_ += bytes;
}

void ReplyReader::give_to_hiredis() {
  const std::size_t size = std::min(kPiece, ahead_.size() - given_);
  if (begun_ + size > limits_.bytes + kPiece) {
    error_ = "a reply has more than " + std::to_string(limits_.bytes) + " bytes";
    return;
  }
  if (redisReaderFeed(reader_.get(), ahead_.data() + given_, size) != REDIS_OK) error_ = reader_->errstr;
  given_ += size;
  begun_ += size;
}

std::optional<Reply> ReplyReader::next() {
  while (error_.empty()) {
    void* made = nullptr;
    if (redisReaderGetReply(reader_.get(), &made) != REDIS_OK) {
      error_ = building_->too_many ? "a reply has more than " + std::to_string(limits_.items) + " items"
                                   : std::string(reader_->errstr);
      if (error_.empty()) error_ = "malformed";
      return std::nullopt;
    }
    if (made != nullptr) {
      const std::unique_ptr<Reply> reply(static_cast<Reply*>(made));
      building_->items = 0;
      begun_ = reader_->len - reader_->pos;
      return std::move(*reply);
    }
    if (given_ == ahead_.size()) return std::nullopt;
    give_to_hiredis();
  }
  return std::nullopt;
}

} // namespace foyer::redis
