#!lua
-- Returns what is cached ('V' and the value), or 'lease' to the one who is to read and fill it, or 'wait' to the others.
-- A lease that is old is given anew. The time to live runs from the lease, so from before the read.
--
-- KEYS  the entry
-- ARGV  the token of the lease; the time to live and the age of an old lease in milliseconds
local entry = redis.call('GET', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if entry and left >= 0 then
  if string.sub(entry, 1, 1) == 'V' then return entry end
  if left > tonumber(ARGV[2]) - tonumber(ARGV[3]) then return 'wait' end
end
redis.call('SET', KEYS[1], 'L' .. ARGV[1], 'PX', ARGV[2])
return 'lease'
