#!lua flags=no-writes
-- Reads a page of records in the order of an index. An entry counts only if its record is there and has the term: what
-- Redis expired by itself leaves entries behind, until a sweep.
--
-- KEYS  meta, the index
-- ARGV  the reader's schema generation; the term's field or ''; its value; the bounds of the page; the number of records;
--       the number of entries to look at; what record keys begin with
-- Returns 'building', or: the last entry looked at if there may be more, else ''; then id and row of each record
local generation, field, value, min, max = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local limit, patience, prefix = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local skip = 0
if field ~= '' then
  local ready = redis.call('HGET', KEYS[1], 'ready')
  if ready and tonumber(ready) < generation then return 'building' end
  skip = #value + 1
end
local out, found = {''}, 0
while found < limit do
  local want = math.min(limit - found, patience)
  local entries = redis.call('ZRANGEBYLEX', KEYS[2], min, max, 'LIMIT', 0, want)
  for _, entry in ipairs(entries) do
    local id = string.sub(entry, skip + 1)
    local key = prefix .. id
    if field == '' or redis.call('HGET', key, field) == value then
      local row = redis.call('HGETALL', key)
      if #row > 0 then
        found = found + 1
        out[#out + 1] = id
        out[#out + 1] = row
      end
    end
  end
  if #entries < want then return out end
  min = '(' .. entries[#entries]
  patience = patience - want
  if patience <= 0 then
    out[1] = entries[#entries]
    return out
  end
end
return out
