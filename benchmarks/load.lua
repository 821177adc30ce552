-- wrk -s load.lua URL -- REQUESTS PREFIX [RATE]
-- REQUESTS holds whole requests, separated by NUL. An SOH in a request is replaced by a key that is used once.
-- With RATE, so many requests a second start at random moments, on any free connection.

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds; long micros; } moment; int gettimeofday(moment *, void *);")

local heads, tails, count, sent, prefix = {}, {}, 0, 0, ""

function init(args)
  prefix = args[2]
  local file = assert(io.open(args[1], "rb"))
  local all = file:read("*a")
  file:close()
  for request in all:gmatch("[^%z]+") do
    count = count + 1
    local head, tail = request:match("^(.-)\1(.*)$")
    heads[count], tails[count] = head or request, tail or false
  end
  if args[3] then
    local gap, moment, slot = 1000 / tonumber(args[3]), ffi.new("moment[1]"), 0
    math.randomseed(42)
    function delay()
      ffi.C.gettimeofday(moment, nil)
      local now = tonumber(moment[0].seconds) * 1000 + tonumber(moment[0].micros) / 1000
      slot = math.max(slot, now - 100) - gap * math.log(1 - math.random())
      return math.max(0, math.floor(slot - now + 0.5))
    end
  end
end

function request()
  local index = sent % count + 1
  sent = sent + 1
  local tail = tails[index]
  if tail then
    return heads[index] .. prefix .. string.format("%012d", sent) .. tail
  end
  return heads[index]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "\nRESULT %d %d %.1f %.1f %.1f %d %d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
