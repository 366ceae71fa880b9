import { Script } from '../script.ts';

/**
 * Ends a script before it has done anything while the slot moves to another node of a Cluster: asked for two keys that
 * never exist, neither side has them for sure. The names of timelines and minutes are too many to be declared, and the
 * first that lies on the other side would end the script halfway, or be taken for one that does not exist.
 */
const WHOLE_SLOT_ONLY = `redis.call('EXISTS', KEYS[1] .. ':none', KEYS[1] .. ':neither')`;

/**
 * Makes a writer the owner of a partition: whoever was it before, or only if nobody else is.
 * KEYS: owner, status, dictionary. ARGV: the token it has (or empty), the new token, `any` or `mine`.
 * Answers the token of the owner, and what the partition holds.
 */
export const TAKE = new Script(`
local owner = redis.call('GET', KEYS[1]) or ''
if owner ~= ARGV[2] and (ARGV[3] == 'any' or owner == ARGV[1] or owner == '') then
  redis.call('SET', KEYS[1], ARGV[2])
  owner = ARGV[2]
end
local status = redis.call('HMGET', KEYS[2], 'committed', 'time', 'appendedAt', 'clock')
for i = 1, 4 do status[i] = status[i] or '' end
return {owner, status[1], status[2], status[3], status[4], redis.call('GET', KEYS[3]) or ''}
`);

/**
 * One partition's commit: everything or nothing.
 * KEYS: owner, status, dictionary, minutes, seen, dead letters.
 * ARGV: 1 token, 2 committed offset before, 3 committed offset after, 4 packed timeline rows, 5 bytes between trims,
 * 6 new dictionary entries, 7 newest event time, 8 newest append time, 9 event clock, 10 late events, 11 duplicates,
 * 12 oldest minute, 13 dedupe keys below this append time expire, 14 prefix of the minutes' keys, then per list its
 * length and items: chunks (minute, bytes), dedupe keys (append time, text), dead letters (id, bytes), resolved (id).
 * Answers OK and the timelines to be trimmed; STALE for another owner; MOVED for another committed offset.
 */
export const COMMIT = new Script(`${WHOLE_SLOT_ONLY}
local call = redis.call
local owner = call('GET', KEYS[1])
if not owner then return {'MOVED'} end
if owner ~= ARGV[1] then return {'STALE'} end
local committed = call('HGET', KEYS[2], 'committed') or ''
if committed ~= ARGV[2] then
  if committed == ARGV[3] then return {'OK'} end
  return {'MOVED'}
end

local answer = {'OK'}
local rows, at, size = ARGV[4], 1, #ARGV[4]
local limit = tonumber(ARGV[5])
local unpack, floor = struct.unpack, math.floor
while at <= size do
  local key, row
  key, row, at = unpack('>I4c0I4c0', rows, at)
  local length = call('APPEND', key, row)
  if length >= limit and floor(length / limit) > floor((length - #row) / limit) then answer[#answer + 1] = key end
end
if #ARGV[6] > 0 then call('APPEND', KEYS[3], ARGV[6]) end

local arg = 15
local function list()
  local first = arg + 1
  arg = first + 2 * tonumber(ARGV[arg])
  return first, arg - 1
end
local first, last = list()
for i = first, last, 2 do
  local chunk = ARGV[i + 1]
  if call('APPEND', ARGV[14] .. ARGV[i], chunk) == #chunk then call('ZADD', KEYS[4], ARGV[i], ARGV[i]) end
end
if ARGV[12] ~= '0' then
  for _, minute in ipairs(call('ZRANGEBYSCORE', KEYS[4], '-inf', '(' .. ARGV[12], 'LIMIT', 0, 100)) do
    call('UNLINK', ARGV[14] .. minute)
    call('ZREM', KEYS[4], minute)
  end
end
if ARGV[13] ~= '' then call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. ARGV[13]) end
first, last = list()
for i = first, last, 2 do call('ZADD', KEYS[5], ARGV[i], ARGV[i + 1]) end
first, last = list()
for i = first, last, 2 do call('XADD', KEYS[6], ARGV[i], 'v', ARGV[i + 1]) end
for i = arg + 1, #ARGV do call('XDEL', KEYS[6], ARGV[i]) end

call('HSET', KEYS[2], 'committed', ARGV[3], 'time', ARGV[7], 'appendedAt', ARGV[8], 'clock', ARGV[9])
if ARGV[10] ~= '0' then call('HINCRBY', KEYS[2], 'late', ARGV[10]) end
if ARGV[11] ~= '0' then call('HINCRBY', KEYS[2], 'duplicates', ARGV[11]) end
return answer
`);

/**
 * Replaces timelines by shorter ones.
 * KEYS: owner. ARGV: token, then per timeline its key, the length that was read, what is left of it.
 */
export const TRIM = new Script(`${WHOLE_SLOT_ONLY}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 3 do
  if redis.call('STRLEN', ARGV[i]) == tonumber(ARGV[i + 1]) then redis.call('SET', ARGV[i], ARGV[i + 2]) end
end
return 1
`);

/**
 * What a reader does not have yet of one partition.
 * KEYS: owner, status, dictionary. ARGV: 1 known bytes of the dictionary, 2 prefix of the minutes' keys, then per minute
 * its number and the known bytes.
 * Answers owner, event clock, rest of the dictionary, and per minute the rest of its chunks.
 */
export const FETCH = new Script(`${WHOLE_SLOT_ONLY}
local call = redis.call
local answer = {
  call('GET', KEYS[1]) or '', call('HGET', KEYS[2], 'clock') or '', call('GETRANGE', KEYS[3], ARGV[1], -1)
}
for i = 3, #ARGV, 2 do answer[#answer + 1] = call('GETRANGE', ARGV[2] .. ARGV[i], ARGV[i + 1], -1) end
return answer
`);
