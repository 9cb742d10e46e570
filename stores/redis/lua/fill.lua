#!lua
-- Turns a lease into a value, if it is still there: an invalidation takes it away. '' gives the lease back.
--
-- KEYS  the entry
-- ARGV  the token of the lease, the value
if redis.call('GET', KEYS[1]) ~= 'L' .. ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], 'V' .. ARGV[2], 'KEEPTTL')
end
return 1
