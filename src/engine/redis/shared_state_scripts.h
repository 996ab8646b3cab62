// What the shared state does on the server, each in one step (EVAL). Times are the server's, in ms.
//
// An entry that was put or taken is a hash; of each kind, a sorted set has their names by the time at which they are
// forgotten. Keys end by themselves, a moment after the time that the scripts go by.
#pragma once

#include <string>

#include "redis/script.h"

namespace foyer::engine::scripts {

inline const std::string kNow = R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function keep(key, life) -- at least that long
  if redis.call('PTTL', key) < life + 1000 then redis.call('PEXPIRE', key, life + 1000) end
end
)lua";

// KEYS put entry, taken entry, taken ends. ARGV by, remember, most, name
// → {1, taken} took it; {0, taken, by, ago}; {-1, taken, wait}: no more fit. `taken` is -1 where it was put.
inline const redis::Script kTake{kNow + R"lua(
local put = redis.call('HMGET', KEYS[1], 'forget', 'at', 'by')
if put[1] and tonumber(put[1]) > now then
  if put[2] then return {0, -1, put[3], now - put[2]} end
  redis.call('HSET', KEYS[1], 'at', now, 'by', ARGV[1])
  return {1, -1}
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local count = redis.call('ZCARD', KEYS[3])
local taken = redis.call('HMGET', KEYS[2], 'forget', 'at', 'by')
if taken[1] and tonumber(taken[1]) > now then return {0, count, taken[3], now - taken[2]} end
if count >= tonumber(ARGV[3]) then
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  return {-1, count, first[2] and first[2] - now or ARGV[2] + 0}
end
local forget = now + ARGV[2]
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'forget', forget, 'at', now, 'by', ARGV[1])
keep(KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], forget, ARGV[4])
keep(KEYS[3], ARGV[2])
return {1, count + 1}
)lua"};

// KEYS entry, ends. ARGV value, life, remember, most, name, what all entries of the kind begin with
// → {1, count} put; {0, count}: exists; {-1, count, wait}: no more fit.
inline const redis::Script kPut{kNow + R"lua(
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local count = redis.call('ZCARD', KEYS[2])
local known = redis.call('HGET', KEYS[1], 'forget')
if known and tonumber(known) > now then return {0, count} end
while count >= tonumber(ARGV[4]) do
  local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not first then return {-1, count, ARGV[2] + 0} end
  local ends = tonumber(redis.call('HGET', ARGV[6] .. first, 'end') or 0)
  if ends > now then return {-1, count, ends - now} end
  redis.call('DEL', ARGV[6] .. first)
  redis.call('ZREM', KEYS[2], first)
  count = count - 1
end
local life = ARGV[2] + ARGV[3]
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'end', now + ARGV[2], 'forget', now + life)
keep(KEYS[1], life)
redis.call('ZADD', KEYS[2], now + life, ARGV[5])
keep(KEYS[2], life)
return {1, count + 1}
)lua"};

// KEYS entry → {value, left}, {value, left, by, ago}, or {}
inline const redis::Script kFind{kNow + R"lua(
local e = redis.call('HMGET', KEYS[1], 'value', 'end', 'forget', 'at', 'by')
if not e[3] or tonumber(e[3]) <= now then return {} end
if e[4] then return {e[1], e[2] - now, e[5], now - e[4]} end
return {e[1], e[2] - now}
)lua"};

// KEYS times. ARGV most, window → 0 if it was counted, otherwise after how long it may be
inline const redis::Script kCount{kNow + R"lua(
local window = ARGV[2] + 0
local first = redis.call('LINDEX', KEYS[1], 0)
while first and first + window <= now do
  redis.call('LPOP', KEYS[1])
  first = redis.call('LINDEX', KEYS[1], 0)
end
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return first and first + window - now or window end
redis.call('RPUSH', KEYS[1], now)
redis.call('PEXPIRE', KEYS[1], window + 1000)
return 0
)lua"};

// KEYS lease. ARGV holder, life, how long a term is remembered → {holder, term, left}
inline const redis::Script kLease{kNow + R"lua(
local held = redis.call('HMGET', KEYS[1], 'holder', 'term', 'until')
local term, ends = tonumber(held[2] or 0), tonumber(held[3] or 0)
if ends > now and held[1] ~= ARGV[1] then return {held[1], term, ends - now} end
if ends <= now then term = term + 1 end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'term', term, 'until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ARGV[3])
return {ARGV[1], term, ARGV[2] + 0}
)lua"};

// KEYS lease. ARGV holder, term → 1 if it ended now
inline const redis::Script kEndLease{kNow + R"lua(
local held = redis.call('HMGET', KEYS[1], 'holder', 'term', 'until')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] or tonumber(held[3]) <= now then return 0 end
redis.call('HSET', KEYS[1], 'until', now)
return 1
)lua"};

} // namespace foyer::engine::scripts
