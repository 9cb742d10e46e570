#!lua flags=no-writes
-- Reads several records of one tenant in one moment.
--
-- KEYS  the records
local out = {}
for i, key in ipairs(KEYS) do out[i] = redis.call('HGETALL', key) end
return out
