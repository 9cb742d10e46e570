#!lua
-- Notes that a tenant's indexes are complete for a schema generation.
--
-- KEYS  meta
-- ARGV  the generation
local ready = redis.call('HGET', KEYS[1], 'ready')
if ready and tonumber(ready) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'ready', ARGV[1]) end
return 1
