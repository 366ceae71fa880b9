import { Script } from '../script.ts';

/**
 * Appends one frame, once: a frame that is sent again, because its answer was lost, is answered from the producer's
 * key. A copy that arrives even later, from a connection long given up, finds a higher sequence and is dropped.
 *
 * Keys: log, next, producer. Values: sequence, records, frame, expiry of the producer in ms. Answers the offset behind it.
 */
export const APPEND = new Script(`
local seen = redis.call('GET', KEYS[3])
if seen then
  local sequence, to = string.match(seen, '^(%d+) (%d+)$')
  if tonumber(sequence) >= tonumber(ARGV[1]) then return to end
end
local to = string.format('%.0f', redis.call('INCRBY', KEYS[2], ARGV[2]))
redis.call('XADD', KEYS[1], to .. '-' .. ARGV[2], 'f', ARGV[3])
redis.call('SET', KEYS[3], ARGV[1] .. ' ' .. to, 'PX', ARGV[4])
return to`);

/** Keys: log, next. Answers the ID of the first entry, if there is one, and the next offset. */
export const BOUNDS = new Script(`
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return { redis.call('GET', KEYS[2]) or '0', first and first[1] }`);

/** Raises what the group has released. Keys: released. Values: group, below. */
export const RELEASE = new Script(`
local old = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
if tonumber(ARGV[2]) > old then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end`);

/** Keys: lease. Values: member, time to live in ms. Answers 1 while the member has the lease. */
export const RENEW = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

/** Keys: lease. Values: member, time to live in ms. Answers 1 when the member has the lease now. */
export const TAKE = new Script(`
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`);

/** Keys: lease. Values: member. */
export const GIVE_UP = new Script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`);

/** By the server's clock. Keys: members. Values: member, time to live in ms. Answers all members that live. */
export const MEMBERS = new Script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)`);

/**
 * Notes the time and the next offset, and removes what is older than the retention and released by all groups: in one
 * step, so that a group which joins meanwhile keeps what it has just found.
 *
 * Keys: next, times, released, log. Values: retention in ms, least distance of two notes in ms.
 */
export const RETENTION = new Script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local next = redis.call('GET', KEYS[1]) or '0'
local newest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if not newest[2] or (now - newest[2] >= tonumber(ARGV[2]) and newest[1] ~= next) then
  redis.call('ZADD', KEYS[2], now, next)
end
local expired = redis.call('ZREVRANGEBYSCORE', KEYS[2], now - ARGV[1], '-inf', 'LIMIT', 0, 1)[1]
if not expired then return end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. redis.call('ZSCORE', KEYS[2], expired))
-- Without a group, the first one is still to come.
local below = 0
for _, released in ipairs(redis.call('HVALS', KEYS[3])) do
  released = math.min(tonumber(released), tonumber(expired))
  if below == 0 or released < below then below = released end
  if released == 0 then return end
end
-- Exact: the newest entry must not stay for want of company when all are released.
redis.call('XTRIM', KEYS[4], 'MINID', string.format('%.0f-18446744073709551615', below))`);

/**
 * Keeps this part of a log's entries, whether the others are released or not. In one step, so that each process counts
 * what it has removed itself.
 *
 * Keys: log, next, released. Values: part to keep. Answers the earliest offset before and after, and the lowest that a
 * group still needs.
 */
export const FORCE = new Script(`
local function earliest()
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not first then return tonumber(redis.call('GET', KEYS[2]) or '0') end
  local to, records = string.match(first[1], '(%d+)-(%d+)')
  return to - records
end
local before = earliest()
redis.call('XTRIM', KEYS[1], 'MAXLEN', math.floor(redis.call('XLEN', KEYS[1]) * ARGV[1]))
local lowest
for _, released in ipairs(redis.call('HVALS', KEYS[3])) do
  released = tonumber(released)
  if not lowest or released < lowest then lowest = released end
end
return {
  string.format('%.0f', before), string.format('%.0f', earliest()), string.format('%.0f', lowest or 0)
}`);
