"""Lua scripts that change the ledger's entries in Redis atomically. ``ledger`` describes the rules."""

SERVER_CLOCK = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
"""
"""All processes count by the server's clock, so their own clocks may disagree or jump."""

LEND = """
local key = KEYS[1]
local window, limit, need, wish = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local seconds, loan, old, spent = tonumber(ARGV[5]), 'loan:' .. ARGV[6], 'loan:' .. ARGV[7], tonumber(ARGV[8])
local unit = tonumber(ARGV[9])
now = now / unit
local second = math.floor(now)

local settled, total = {}, {}
local function count(slot, tokens)
  if tokens > 0 then total[slot] = (total[slot] or 0) + tokens end
end
local function spend(slot, tokens)
  settled[slot] = (settled[slot] or 0) + tokens
  redis.call('HSET', key, slot, settled[slot])
  count(slot, tokens)
end

local gone, old_due, known = {}, nil, false
local stored = redis.call('HGETALL', key)
for i = 1, #stored, 2 do
  local name, value = stored[i], stored[i + 1]
  local due, lent = string.match(value, '^(%d+) (%d+)$')
  local slot, tokens = tonumber(due or name), tonumber(lent or value)
  known = known or name == loan
  if name == old and tokens > 0 then
    gone[#gone + 1] = name
    old_due = math.min(second, slot)
  elseif slot + window < second or slot > second + window then
    gone[#gone + 1] = name
  else
    if not due then settled[slot] = tokens end
    count(slot, tokens)
  end
end
if old_due and spent > 0 and old_due + window >= second then spend(old_due, spent) end
for _, name in ipairs(gone) do redis.call('HDEL', key, name) end

local used = 0
for _, tokens in pairs(total) do used = used + tokens end
local available = math.max(0, limit - used)
local tokens = 0
if not known then tokens = math.min(available, math.max(need, math.min(wish, math.floor(available / 4)))) end
if tokens > 0 then
  if seconds > 0 then
    redis.call('HSET', key, loan, (second + seconds) .. ' ' .. tokens)
    count(second + seconds, tokens)
  else
    spend(second, tokens)
  end
  used = used + tokens
end
redis.call('EXPIRE', key, (2 * window + 2) * unit)

local order = {}
for slot in pairs(total) do order[#order + 1] = slot end
table.sort(order)
local wait, surplus = window, used - limit
for _, slot in ipairs(order) do
  surplus = surplus - total[slot]
  if surplus < 0 then
    wait = slot + window + 1 - now
    break
  end
end
return {tokens, math.max(0, limit - used), math.ceil(wait * unit * 1000)}
"""
"""A hash for each key: spent tokens by second, and loans by id, each as ``due tokens``.

A loan whose id is known already lends nothing.
"""

SETTLE = """
local key, window, loan, spent = KEYS[1], tonumber(ARGV[1]), 'loan:' .. ARGV[2], tonumber(ARGV[3])
local second = math.floor(now)
local due, lent = string.match(redis.call('HGET', key, loan) or '', '^(%d+) (%d+)$')
if lent == '0' then return 0 end
if due then
  if spent > 0 then redis.call('HINCRBY', key, math.min(second, tonumber(due)), spent) end
  redis.call('HDEL', key, loan)
else
  redis.call('HSET', key, loan, second .. ' 0')
end
redis.call('EXPIRE', key, 2 * window + 2)
return 1
"""
"""Settles a loan.

An unknown loan may still be on its way: its id is marked, so that it lends nothing when it arrives.
"""

HOLD = """
local key, permit, seconds, limit = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.3f', now))
redis.call('ZREMRANGEBYSCORE', key, string.format('(%.3f', now + seconds), '+inf')
local held = redis.call('ZCARD', key)
if limit > 0 and held >= limit then return -1 end
redis.call('ZADD', key, string.format('%.3f', now + seconds), permit)
redis.call('EXPIRE', key, seconds + 1)
return math.max(0, limit - held - 1)
"""
"""Stores a permit if fewer than ``limit`` are held; with ``limit`` 0 it renews one regardless.

Removes expired permits, and those that expire later than a permit can: the clock went back.
"""
