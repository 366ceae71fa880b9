import { Script } from '../script.ts';

/** Removes what every group has acknowledged, up to the first entry that one has not. Keys: stream. */
export const TRIM = new Script(`
local function isLess(a, b)
  local aTime, aNumber = string.match(a, '(%d+)-(%d+)')
  local bTime, bNumber = string.match(b, '(%d+)-(%d+)')
  if #aTime ~= #bTime then return #aTime < #bTime end
  if aTime ~= bTime then return aTime < bTime end
  if #aNumber ~= #bNumber then return #aNumber < #bNumber end
  return aNumber < bNumber
end
local function behind(id)
  local time, number = string.match(id, '(%d+)-(%d+)')
  number = tonumber(number)
  -- Further on, Lua's numbers have no next one.
  return number < 2 ^ 53 and string.format('%s-%.0f', time, number + 1) or id
end
local lowest
for _, fields in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #fields, 2 do group[fields[i]] = fields[i + 1] end
  local needed = redis.call('XPENDING', KEYS[1], group['name'])[2] or behind(group['last-delivered-id'])
  if not lowest or isLess(needed, lowest) then lowest = needed end
end
if lowest then return redis.call('XTRIM', KEYS[1], 'MINID', lowest) end`);

/**
 * Makes entries of a consumer look as if they had been received some time ago, or just now. Answers with the last one
 * when there may be more.
 *
 * Keys: stream. Values: group, consumer, the ID to begin at, how many, milliseconds ago.
 */
export const RENEW = new Script(`
local open = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], '+', ARGV[4], ARGV[2])
if #open == 0 then return end
local claim = {'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0}
for _, entry in ipairs(open) do claim[#claim + 1] = entry[1] end
for _, word in ipairs({'IDLE', ARGV[5], 'JUSTID'}) do claim[#claim + 1] = word end
redis.call(unpack(claim))
if #open == tonumber(ARGV[4]) then return open[#open][1] end`);

/** Forgets a consumer that nothing waits for. Keys: stream. Values: group, consumer. */
export const FORGET = new Script(`
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end`);
