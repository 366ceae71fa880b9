import { Script } from './script.ts';

/**
 * Writes on a condition. KEYS: the entry. ARGV: the new entry, its time to live (empty: none; `keep`: the running one),
 * the version there has to be (empty: any; `absent`: no entry).
 * Answers 1 when it was written. It was, too, when the entry of this very call is there already: then it is sent again.
 */
export const SET_IF = new Script(`
local key, entry, ttl, wanted = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local head = redis.call('GETRANGE', key, 0, 17)
local version = string.sub(head, 1, 12)
if version == string.sub(entry, 1, 12) then return 1 end
if wanted == 'absent' then
  if version ~= '' then return 0 end
elseif wanted ~= '' and version ~= wanted then
  return 0
end
if ttl == 'keep' then
  if head ~= '' then entry = string.sub(entry, 1, 12) .. string.sub(head, 13, 18) .. string.sub(entry, 19) end
  redis.call('SET', key, entry, 'KEEPTTL')
elseif ttl == '' then
  redis.call('SET', key, entry)
else
  redis.call('SET', key, entry, 'PX', ttl)
end
return 1
`);

/** Deletes an entry that has this version. KEYS: the entry. ARGV: the version. Answers 1 when it was deleted. */
export const DELETE_IF = new Script(`
if redis.call('GETRANGE', KEYS[1], 0, 11) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/**
 * Adds to a decimal integer of 64 bits, in two parts because Lua's numbers have 53.
 * KEYS: the entry. ARGV: head of the new entry (version and expiry), its time to live (empty: none), then sign, upper
 * and lower nine digits of what to add.
 * Answers the sum; or NOT and the value, or OVER and the value.
 */
export const INCREMENT = new Script(`
local LIMIT_HIGH, LIMIT_LOW, UNIT = 9223372036, 854775807, 1000000000
local key, head = KEYS[1], ARGV[1]
local stored = redis.call('GET', key)
local text = stored and string.sub(stored, 19) or '0'
local sign, digits = string.match(text, '^(-?)(%d+)$')
if not digits or #digits > 19 then return {'NOT', text} end
local high, low = tonumber(string.sub(digits, 1, -10)) or 0, tonumber(string.sub(digits, -9))
local function fits(high, low, negative)
  return high < LIMIT_HIGH or (high == LIMIT_HIGH and low <= LIMIT_LOW + (negative and 1 or 0))
end
if not fits(high, low, sign == '-') then return {'NOT', text} end
if sign == '-' then high, low = -high, -low end
local by = ARGV[3] == '-' and -1 or 1
high, low = high + by * tonumber(ARGV[4]), low + by * tonumber(ARGV[5])
local carry = math.floor(low / UNIT)
high, low = high + carry, low - carry * UNIT
local negative = high < 0
if negative then
  if low == 0 then high = -high else high, low = -high - 1, UNIT - low end
end
if not fits(high, low, negative) then return {'OVER', text} end
local sum = high > 0 and string.format('%.0f%09.0f', high, low) or string.format('%.0f', low)
if negative then sum = '-' .. sum end
if stored then
  redis.call('SET', key, string.sub(head, 1, 12) .. string.sub(stored, 13, 18) .. sum, 'KEEPTTL')
elseif ARGV[2] == '' then
  redis.call('SET', key, head .. sum)
else
  redis.call('SET', key, head .. sum, 'PX', ARGV[2])
end
return {sum}
`);
