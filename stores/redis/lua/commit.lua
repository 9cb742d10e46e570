#!lua
-- Applies one commit, all or nothing: first every condition is judged and every key touched, then everything is written.
-- An error can come only from the first half. Revisions are compared as strings.
--
-- KEYS  meta, due; for each kind: all, and by for each term; for each operation: its record
-- ARGV  the writer's schema generation; the tenant's name, once it is listed; the number of kinds, and for each: name,
--       number of terms, their fields; then for each operation: verb, number of its kind, id, wanted revision ('' is
--       absent), and for a put: number of values, then field and value of each
local meta, due = KEYS[1], KEYS[2]
local nextkey, nextarg = 2, 0
local function key()
  nextkey = nextkey + 1
  return KEYS[nextkey]
end
local function arg()
  nextarg = nextarg + 1
  return ARGV[nextarg]
end

local generation, tenant = arg(), arg()
local known = redis.call('HGET', meta, 'schema')
if not known and tenant == '' then return 'unlisted' end
if known and tonumber(known) > tonumber(generation) then return 'schema' end
redis.call('ZCARD', due)

local kinds = {}
for i = 1, tonumber(arg()) do
  local kind = {name = arg(), all = key(), fields = {}, by = {}}
  redis.call('ZCARD', kind.all)
  for j = 1, tonumber(arg()) do
    kind.fields[j], kind.by[j] = arg(), key()
    redis.call('ZCARD', kind.by[j])
  end
  kinds[i] = kind
end

-- entry is the member of due for a record: all that is needed to take it out of its indexes when it is gone.
local function entry(kind, id, values)
  local parts = {kind.name, id}
  for j, field in ipairs(kind.fields) do
    if values[j] ~= '' then
      parts[#parts + 1] = field
      parts[#parts + 1] = values[j]
    end
  end
  return table.concat(parts, '\0')
end

local ops = {}
while nextarg < #ARGV do
  local op = {verb = arg(), kind = kinds[tonumber(arg())], id = arg(), key = key()}
  local want = arg()
  local old = redis.call('HMGET', op.key, 'rev', 'expires', unpack(op.kind.fields))
  if (old[1] or '') ~= want then return 'conflict' end
  op.there, op.expired, op.old = old[1], old[2] or '', {}
  for j = 1, #op.kind.fields do op.old[j] = old[2 + j] or '' end
  op.expires, op.new = '', {}
  for j = 1, #op.kind.fields do op.new[j] = '' end
  if op.verb == 'put' then
    op.row = {}
    local named = {}
    for i = 1, 2 * tonumber(arg()), 2 do
      op.row[i], op.row[i + 1] = arg(), arg()
      named[op.row[i]] = op.row[i + 1]
    end
    op.expires = named['expires'] or ''
    for j, field in ipairs(op.kind.fields) do op.new[j] = named[field] or '' end
  end
  ops[#ops + 1] = op
end

local day, year10000 = 86400000, 253402300800000
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

if not known then
  redis.call('HSET', meta, 'tenant', tenant, 'schema', generation, 'ready', generation)
elseif tonumber(known) < tonumber(generation) then
  redis.call('HSET', meta, 'schema', generation)
end
for _, op in ipairs(ops) do
  if op.verb ~= 'check' then
    local kind = op.kind
    for j = 1, #kind.fields do
      if op.old[j] ~= op.new[j] then
        if op.old[j] ~= '' then redis.call('ZREM', kind.by[j], op.old[j] .. '\0' .. op.id) end
        if op.new[j] ~= '' then redis.call('ZADD', kind.by[j], 0, op.new[j] .. '\0' .. op.id) end
      end
    end
    local was, is = '', ''
    if op.expired ~= '' then was = entry(kind, op.id, op.old) end
    if op.expires ~= '' then is = entry(kind, op.id, op.new) end
    if was ~= '' and was ~= is then redis.call('ZREM', due, was) end
    if is ~= '' then redis.call('ZADD', due, op.expires, is) end
    if op.there then redis.call('DEL', op.key) end
    if op.row then
      redis.call('HSET', op.key, unpack(op.row))
      redis.call('ZADD', kind.all, 0, op.id)
      local expires = tonumber(op.expires)
      if expires and expires < year10000 then
        redis.call('PEXPIREAT', op.key, string.format('%.0f', math.max(expires, now) + day))
      end
    else
      redis.call('ZREM', kind.all, op.id)
    end
  end
end
return 'ok'
