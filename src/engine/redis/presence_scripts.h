// What the presence store does on the server, each in one step (EVAL). Times are the server's.
//
// A room is a hash: user → "NODE NODE …\nNAME". A node that is dead, as far as the asking node knows, does not count.
// A command names it in its arguments, because only the registry knows it, which in a cluster is on another server.
#pragma once

#include <string>

#include "redis/script.h"

namespace foyer::engine::scripts {

// KEYS registry, era. ARGV node, life in ms, life of the registry in ms, 1 for a new lease, a fresh era, 1 if the
// server could not be asked before, the history that the node knows or '' → {1, era, history, dead node, …}; or {0,
// era, history}: the lease has ended, and is not renewed.
//
// Another era: the server lost its memory. Another history (replication id): it was promoted or restarted, and may not
// know of the last renewals. Then, and after a silence, leases have ended although their nodes live: they get a term.
inline const redis::Script kRenew{R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('SET', KEYS[2], ARGV[5], 'NX', 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local era = redis.call('GET', KEYS[2])
local history = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if ARGV[6] == '1' or (ARGV[7] ~= '' and ARGV[7] ~= history) then
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    redis.call('ZADD', KEYS[1], now + ARGV[2], node)
  end
end
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[4] ~= '1' and not (known and tonumber(known) > now) then return {0, era, history} end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local out = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
table.insert(out, 1, history)
table.insert(out, 1, era)
table.insert(out, 1, 1)
return out
)lua"};

// Common to those below: the nodes of a value that are alive and not `without`, and the name.
inline const std::string kCommon = R"lua(
local function split(value, without, dead)
  local at = string.find(value, '\n', 1, true)
  local nodes = {}
  for node in string.gmatch(string.sub(value, 1, at - 1), '%S+') do
    if node ~= without and not dead[node] then nodes[#nodes + 1] = node end
  end
  return nodes, string.sub(value, at + 1)
end
local function order()
  local t = redis.call('TIME')
  return string.format('%.0f', t[1] * 1000000 + t[2])
end
local function joined(nodes, name) return table.concat(nodes, ' ') .. '\n' .. name end
local function dead_from(first)
  local dead = {}
  for i = first, #ARGV do dead[ARGV[i]] = true end
  return dead
end
)lua";

// KEYS room. ARGV node, life of the room in ms, user, name, dead node … → {1 if the user came, users, '', order}
inline const redis::Script kTouch{kCommon + R"lua(
local value = redis.call('HGET', KEYS[1], ARGV[3])
local nodes, name = {}, ARGV[4]
local mine = false
if value then
  local alive, known = split(value, nil, dead_from(5))
  if #alive > 0 then name = known end
  nodes = alive
  for _, node in ipairs(alive) do mine = mine or node == ARGV[1] end
end
local came = #nodes == 0
if not mine then nodes[#nodes + 1] = ARGV[1] end
redis.call('HSET', KEYS[1], ARGV[3], joined(nodes, name))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {came and 1 or 0, redis.call('HLEN', KEYS[1]), '', order()}
)lua"};

// KEYS room. ARGV node, user, dead node … → {1 if the user left, users, name, order}
inline const redis::Script kLeave{kCommon + R"lua(
local value = redis.call('HGET', KEYS[1], ARGV[2])
if not value then return {0, redis.call('HLEN', KEYS[1]), ''} end
local had = false
for _, node in ipairs(split(value, nil, {})) do had = had or node == ARGV[1] end
if not had then return {0, redis.call('HLEN', KEYS[1]), ''} end
local nodes, name = split(value, ARGV[1], dead_from(3))
if #nodes > 0 then
  redis.call('HSET', KEYS[1], ARGV[2], joined(nodes, name))
  return {0, redis.call('HLEN', KEYS[1]), ''}
end
redis.call('HDEL', KEYS[1], ARGV[2])
return {1, redis.call('HLEN', KEYS[1]), name, order()}
)lua"};

// KEYS room. ARGV most, dead node … → {users, user, name, user, name, …}
inline const redis::Script kMembers{kCommon + R"lua(
local most, dead = tonumber(ARGV[1]), dead_from(2)
local out = {redis.call('HLEN', KEYS[1])}
local cursor, shown, seen = '0', 0, {}
repeat
  if shown >= most then break end
  local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 100)
  cursor = page[1]
  for i = 1, #page[2], 2 do
    local nodes, name = split(page[2][i + 1], nil, dead)
    if #nodes > 0 and shown < most and not seen[page[2][i]] then
      seen[page[2][i]] = true
      shown = shown + 1
      out[#out + 1] = page[2][i]
      out[#out + 1] = name
    end
  end
until cursor == '0'
return out
)lua"};

// What a node has in a room, in full. KEYS room. ARGV node, life of the room in ms, how many users, user, name, user,
// name, …; then those who left it, user, name, … → {users, order, how many are here alone, user, name, …}: whom no
// other node has, then who of those that left is nowhere.
inline const redis::Script kWrite{kCommon + R"lua(
local here, last = {}, 3 + 2 * ARGV[3]
for i = 4, last, 2 do here[ARGV[i]] = ARGV[i + 1] end
local all = redis.call('HGETALL', KEYS[1])
local alone = {}
for i = 1, #all, 2 do
  local others, name = split(all[i + 1], ARGV[1], {})
  if here[all[i]] ~= nil then
    if #others == 0 then
      alone[#alone + 1] = all[i]
      alone[#alone + 1] = name
    end
    others[#others + 1] = ARGV[1]
    here[all[i]] = nil
  end
  if #others == 0 then
    redis.call('HDEL', KEYS[1], all[i])
  else
    redis.call('HSET', KEYS[1], all[i], joined(others, name))
  end
end
for user, name in pairs(here) do
  redis.call('HSET', KEYS[1], user, joined({ARGV[1]}, name))
  alone[#alone + 1] = user
  alone[#alone + 1] = name
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local out = {redis.call('HLEN', KEYS[1]), order(), #alone / 2}
for _, each in ipairs(alone) do out[#out + 1] = each end
for i = last + 1, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 0 then
    out[#out + 1] = ARGV[i]
    out[#out + 1] = ARGV[i + 1]
  end
end
return out
)lua"};

// Removes a node's entries. KEYS room. ARGV node, dead node … → {users, order, 0, user, name, …}: who left with it.
inline const redis::Script kReap{kCommon + R"lua(
local dead = dead_from(2)
local all = redis.call('HGETALL', KEYS[1])
local gone = {}
for i = 1, #all, 2 do
  local nodes, name = split(all[i + 1], nil, {})
  local kept, had, alive = {}, false, false
  for _, node in ipairs(nodes) do
    if node == ARGV[1] then
      had = true
    else
      kept[#kept + 1] = node
      alive = alive or not dead[node]
    end
  end
  if had and not alive then
    redis.call('HDEL', KEYS[1], all[i])
    gone[#gone + 1] = all[i]
    gone[#gone + 1] = name
  elseif had then
    redis.call('HSET', KEYS[1], all[i], joined(kept, name))
  end
end
local out = {redis.call('HLEN', KEYS[1]), order(), 0}
for _, each in ipairs(gone) do out[#out + 1] = each end
return out
)lua"};

} // namespace foyer::engine::scripts
