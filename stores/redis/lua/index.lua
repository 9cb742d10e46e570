#!lua
-- Enters records that were there before a term into the term's index, some at a time.
--
-- KEYS  meta, due, all of the kind; by for each of its terms
-- ARGV  the schema generation for which this is done; the bound from which to go on; the number of records; the kind;
--       what record keys begin with; then for each term: its field, and 'new' or 'old'
-- Returns the last id, or '' at the end
local meta, due, all = KEYS[1], KEYS[2], KEYS[3]
if tonumber(redis.call('HGET', meta, 'schema')) < tonumber(ARGV[1]) then redis.call('HSET', meta, 'schema', ARGV[1]) end
local limit, kind, prefix = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local fields, new = {}, {}
for i = 6, #ARGV, 2 do
  fields[#fields + 1] = ARGV[i]
  new[#fields] = ARGV[i + 1] == 'new'
end
local ids = redis.call('ZRANGEBYLEX', all, ARGV[2], '+', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
  local row = redis.call('HMGET', prefix .. id, 'expires', unpack(fields))
  local was, is = {kind, id}, {kind, id}
  for j, field in ipairs(fields) do
    local value = row[1 + j] or ''
    if value ~= '' then
      redis.call('ZADD', KEYS[3 + j], 0, value .. '\0' .. id)
      for _, parts in ipairs(new[j] and {is} or {is, was}) do
        parts[#parts + 1] = field
        parts[#parts + 1] = value
      end
    end
  end
  if row[1] then
    redis.call('ZREM', due, table.concat(was, '\0'))
    redis.call('ZADD', due, row[1], table.concat(is, '\0'))
  end
end
if #ids < limit then return '' end
return ids[#ids]
