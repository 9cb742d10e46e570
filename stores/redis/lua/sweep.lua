#!lua
-- Removes records of one tenant whose expiry is before a time, judged by the record itself, and index entries whose
-- record is gone or has another term now.
--
-- KEYS  due
-- ARGV  the time; the number of entries to look at; what the tenant's keys begin with
-- Returns how many records were removed, and how many entries were looked at
local before, base = tonumber(ARGV[1]), ARGV[3]
local entries = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, tonumber(ARGV[2]))
local removed = 0
for _, entry in ipairs(entries) do
  local parts = {}
  for part in string.gmatch(entry .. '\0', '([^%z]*)%z') do parts[#parts + 1] = part end
  local kind, id = parts[1], parts[2]
  local key = base .. 'rec:' .. kind .. ':' .. id
  local there, expires = unpack(redis.call('HMGET', key, 'rev', 'expires'))
  local due = there and expires and tonumber(expires) < before
  for i = 3, #parts, 2 do
    if due or redis.call('HGET', key, parts[i]) ~= parts[i + 1] then
      redis.call('ZREM', base .. 'by:' .. kind .. ':' .. parts[i], parts[i + 1] .. '\0' .. id)
    end
  end
  if due then
    redis.call('DEL', key)
    removed = removed + 1
  end
  if due or not there then redis.call('ZREM', base .. 'all:' .. kind, id) end
  redis.call('ZREM', KEYS[1], entry)
end
return {removed, #entries}
