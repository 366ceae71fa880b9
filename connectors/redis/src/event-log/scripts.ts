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
 * Notes the time and the next offset, and tells up to where the log may go.
 *
 * Keys: next, times, released. Values: retention in ms, least distance of two notes in ms. Answers the offset below
 * which records are older than the retention, and the lowest that a group still needs (-1 when there is no group).
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
if expired then redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. redis.call('ZSCORE', KEYS[2], expired)) end
local lowest = -1
for _, below in ipairs(redis.call('HVALS', KEYS[3])) do
  below = tonumber(below)
  if lowest < 0 or below < lowest then lowest = below end
end
return { expired or '0', string.format('%.0f', lowest) }`);
