"""The ledger's entry in Redis, in one atomic script. See ``ledger`` for the rules it keeps."""

SERVER_CLOCK = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
"""
"""All processes count by the server's clock, so it does not matter if theirs disagree or jump."""

LEND = """
local key = KEYS[1]
local window, limit, need, wish = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local seconds, fresh_era = tonumber(ARGV[5]), ARGV[6]
local old_era, old_slot, old_lent, old_spent = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local unit = tonumber(ARGV[11])
now = now / unit
local second = math.floor(now)

local era, slots = fresh_era, {}
local stored = redis.call('HGETALL', key)
for i = 1, #stored, 2 do
  if stored[i] == 'era' then era = stored[i + 1] else slots[tonumber(stored[i])] = tonumber(stored[i + 1]) end
end

local changed = {}
local function add(slot, amount)
  if amount ~= 0 then
    slots[slot] = (slots[slot] or 0) + amount
    changed[slot] = true
  end
end
if old_era == era and slots[old_slot] then
  add(old_slot, -old_lent)
  add(math.min(second, old_slot), old_spent)
end

local used, order = 0, {}
for slot, count in pairs(slots) do
  if count <= 0 or slot + window < second or slot > second + window then
    redis.call('HDEL', key, slot)
    changed[slot] = nil
  else
    used = used + count
    order[#order + 1] = slot
  end
end

local available = math.max(0, limit - used)
local tokens = math.min(available, math.max(need, math.min(wish, math.floor(available / 4))))
local due = second + seconds
if tokens > 0 then
  if not slots[due] or slots[due] <= 0 then
    slots[due] = 0
    order[#order + 1] = due
  end
  add(due, tokens)
  used = used + tokens
  redis.call('HSET', key, 'era', era)
end
for slot in pairs(changed) do redis.call('HSET', key, slot, slots[slot]) end
redis.call('EXPIRE', key, (2 * window + 2) * unit)

local wait, surplus = window, used - limit
table.sort(order)
for _, slot in ipairs(order) do
  surplus = surplus - slots[slot]
  if surplus < 0 then
    wait = slot + window + 1 - now
    break
  end
end
return {tokens, math.max(0, limit - used), math.ceil(wait * unit * 1000), due, era}
"""

HOLD = """
local key, slot, seconds, limit = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.3f', now))
redis.call('ZREMRANGEBYSCORE', key, string.format('(%.3f', now + seconds), '+inf')
local held = redis.call('ZCARD', key)
if limit > 0 and held >= limit then return -1 end
redis.call('ZADD', key, string.format('%.3f', now + seconds), slot)
redis.call('EXPIRE', key, seconds + 1)
return math.max(0, limit - held - 1)
"""
"""Holds a slot if fewer than ``limit`` are held; with 0, anew, however many are.

What ended is let go of, and what ends later than a slot can: the clock went back.
"""
