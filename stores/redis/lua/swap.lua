#!lua
-- Replaces a text if it is still the expected one ('' is absent).
--
-- KEYS  the text
-- ARGV  expected, new
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
