// What the room log does on the server, each in one step (EVAL).
//
// KEYS of each: meta, log, changes, authors of the room. meta has epoch, head, first (the oldest kept offset), bytes
// (of what is in log), change (the number of the last one), replid, doubted, and cleared (how often). log is offset →
// message, as words with their lengths: id, name, time, what (t text, j JSON, d deleted), key, body (of a deleted one:
// the number of the change).
//
// A server that was promoted, crashed or restarted has another replication id: it may have lost what it answered, so
// the room gets a new epoch, in the same step in which this is noticed.
#pragma once

#include <string>

#include "redis/script.h"

namespace foyer::engine::scripts {

inline const std::string kRoom = R"lua(
local function word(value, at)
  local colon = string.find(value, ':', at, true)
  local size = tonumber(string.sub(value, at, colon - 1))
  return string.sub(value, colon + 1, colon + size), colon + size + 1
end
local function words(value)
  local out, at = {}, 1
  for i = 1, 6 do out[i], at = word(value, at) end
  return out
end
local function value_of(list)
  local out = {}
  for i = 1, 6 do out[i] = string.len(list[i]) .. ':' .. list[i] end
  return table.concat(out)
end
local function existing()
  local m = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first', 'change', 'doubted', 'cleared', 'replid', 'bytes')
  if not m[1] then return nil end
  return {epoch = m[1], head = tonumber(m[2]), first = tonumber(m[3]), change = tonumber(m[4]), doubted = m[5],
    cleared = m[6], replid = m[7], bytes = tonumber(m[8] or 0)}
end
-- The room, made if it is not there; with the epoch `fresh` if its history may have gone back.
local function room(fresh, known_epoch, known_offset, life)
  local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  local r = existing()
  if not r then
    redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
    r = {head = 0, first = 1, change = 0, cleared = '0', bytes = 0}
    redis.call('HSET', KEYS[1], 'head', 0, 'first', 1, 'change', 0, 'cleared', 0, 'bytes', 0)
  end
  if r.replid ~= replid or (r.epoch == known_epoch and r.head < tonumber(known_offset)) then
    r.epoch, r.doubted = fresh, false
    redis.call('HSET', KEYS[1], 'epoch', fresh, 'replid', replid)
    redis.call('HDEL', KEYS[1], 'doubted')
  end
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, life) end
  return r
end
local function add_change(what, most)
  local number = redis.call('HINCRBY', KEYS[1], 'change', 1)
  redis.call('HSET', KEYS[3], number, what)
  redis.call('HDEL', KEYS[3], number - most)
  return number
end
)lua";

// ARGV fresh epoch, known epoch, known offset, life | value, author, kept messages, name of the key or '', digest,
// time, life of a key, what names of keys begin with, kept bytes (the newest message is kept in any case) → {epoch,
// offset, time, what, 1 if the author is new in the room}, where what is 0 new, 1 duplicate, 2 other body
inline const redis::Script kAppend{kRoom + R"lua(
local r = room(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
local key = ARGV[8] ~= '' and (ARGV[12] .. r.cleared .. ':' .. ARGV[8])
if key then
  local known = redis.call('HMGET', key, 'digest', 'offset', 'time')
  if known[1] then return {r.epoch, known[2] + 0, known[3], known[1] == ARGV[9] and 1 or 2, 0} end
end
local offset = redis.call('HINCRBY', KEYS[1], 'head', 1)
local kept = tonumber(ARGV[7])
local first, bytes = r.first, r.bytes
if kept > 0 then
  redis.call('HSET', KEYS[2], offset, ARGV[5])
  bytes = bytes + string.len(ARGV[5])
end
while first <= offset - kept or (first < offset and bytes > tonumber(ARGV[13])) do
  bytes = bytes - redis.call('HSTRLEN', KEYS[2], first)
  redis.call('HDEL', KEYS[2], first)
  first = first + 1
end
redis.call('HSET', KEYS[1], 'first', first, 'bytes', bytes)
if key then
  redis.call('HSET', key, 'digest', ARGV[9], 'offset', offset, 'time', ARGV[10])
  redis.call('PEXPIRE', key, ARGV[11])
end
local fresh = redis.call('SADD', KEYS[4], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('PEXPIRE', KEYS[4], ARGV[4])
return {r.epoch, offset, ARGV[10], 0, fresh}
)lua"};

// ARGV offset, by, 1 for any author, remembered changes → {0} not found, {1} not permitted, {2, change}
inline const redis::Script kErase{kRoom + R"lua(
local value = redis.call('HGET', KEYS[2], ARGV[1])
if not value or not existing() then return {0} end
local message = words(value)
if ARGV[3] ~= '1' and message[1] ~= ARGV[2] then return {1} end
if message[4] == 'd' then return {2, message[6] + 0} end
local change = add_change('d' .. ARGV[1], ARGV[4])
message[4], message[6] = 'd', tostring(change)
local erased = value_of(message)
redis.call('HSET', KEYS[2], ARGV[1], erased)
redis.call('HINCRBY', KEYS[1], 'bytes', string.len(erased) - string.len(value))
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
return {2, change}
)lua"};

// → 1, or 0: there is no such room
inline const redis::Script kClear{kRoom + R"lua(
local r = existing()
if not r then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'first', r.head + 1, 'bytes', 0)
redis.call('HINCRBY', KEYS[1], 'cleared', 1)
return 1
)lua"};

// ARGV user, name of the deleted, remembered changes, 1 if the texts go, too → the number of the change, or 0
inline const redis::Script kDetach{kRoom + R"lua(
if not existing() then return 0 end
local all = redis.call('HGETALL', KEYS[2])
local any, grown = false, 0
for i = 1, #all, 2 do
  local message = words(all[i + 1])
  local erased = ARGV[4] == '1' and message[4] ~= 'd'
  if message[1] == ARGV[1] and (message[2] ~= ARGV[2] or erased) then
    any = true
    message[2] = ARGV[2]
    if erased then message[4], message[6] = 'd', '0' end
    local value = value_of(message)
    grown = grown + string.len(value) - string.len(all[i + 1])
    redis.call('HSET', KEYS[2], all[i], value)
  end
end
if ARGV[4] == '1' then redis.call('SREM', KEYS[4], ARGV[1]) end
if not any then return 0 end
redis.call('HINCRBY', KEYS[1], 'bytes', grown)
local change = add_change((ARGV[4] == '1' and 'e' or 'a') .. ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
return change
)lua"};

// ARGV fresh epoch, known epoch, known offset, life → {epoch, head, change, doubted or -1, the message at head or ''}
inline const redis::Script kConfirm{kRoom + R"lua(
local r = room(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return {r.epoch, r.head, r.change, tonumber(r.doubted or -1), redis.call('HGET', KEYS[2], r.head) or ''}
)lua"};

// ARGV epoch, head → the head that is stored, or this one
inline const redis::Script kDoubt{kRoom + R"lua(
local r = existing()
if not r or r.epoch ~= ARGV[1] then return ARGV[2] + 0 end
redis.call('HSETNX', KEYS[1], 'doubted', ARGV[2])
return redis.call('HGET', KEYS[1], 'doubted') + 0
)lua"};

// ARGV after or '', before or '', up to or '', limit, offset whose time is asked for or '', changes after or '',
// remembered changes → {} or {epoch, head, change, 1 if more, message or '', 1 if all changes,
// {number, change, …}, {offset, message, …}}
inline const redis::Script kHistory{kRoom + R"lua(
local r = existing()
if not r then return {} end
local low, high, limit = r.first, r.head, tonumber(ARGV[4])
if ARGV[3] ~= '' then high = math.min(high, ARGV[3]) end
if ARGV[2] ~= '' then high = math.min(high, ARGV[2] - 1) end
local from, to = low, high
if ARGV[1] ~= '' then
  from = math.max(low, ARGV[1] + 1)
  to = math.min(high, from + limit - 1)
else
  from = math.max(low, high - limit + 1)
end
local more = ARGV[1] ~= '' and to < high or ARGV[1] == '' and from > low and low <= high
local messages = {}
for offset = from, to do
  local value = redis.call('HGET', KEYS[2], offset)
  if value then
    messages[#messages + 1] = offset
    messages[#messages + 1] = value
  end
end
local changes, whole = {}, 1
if ARGV[6] ~= '' then
  local after, most = tonumber(ARGV[6]), tonumber(ARGV[7])
  if after > r.change or after < r.change - most then whole = 0 end
  for number = math.max(after + 1, r.change - most + 1), r.change do
    local change = redis.call('HGET', KEYS[3], number)
    if change then
      changes[#changes + 1] = number
      changes[#changes + 1] = change
    else
      whole = 0
    end
  end
end
local asked = ARGV[5] ~= '' and redis.call('HGET', KEYS[2], ARGV[5]) or ''
return {r.epoch, r.head, r.change, more and 1 or 0, asked, whole, changes, messages}
)lua"};

} // namespace foyer::engine::scripts
