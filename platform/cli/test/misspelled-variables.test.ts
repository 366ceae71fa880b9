import { describe, expect, it } from 'vitest';
import { misspelledVariables } from '../src/misspelled-variables.ts';

const CANDIDATES = [
  'FRONTEND_PORT',
  'FRONTEND_HOSTNAME',
  'NUM_TAGS_TO_KEEP',
  'DEFAULT_LIMIT',
  'USE_LOGGER',
  'LOG_HEADERS',
  'LOG_BODY',
  'KAFKA_BOOTSTRAP_SERVERS',
  'KAFKA_TOPIC',
  'KAFKA_GROUP',
  'AEROSPIKE_HOSTNAME',
  'AEROSPIKE_PORT',
  'MILLRACE_DATA',
  'MILLRACE_RETENTION',
];
const KNOWN = new Set([...CANDIDATES, 'MILLRACE_URL']);

describe('variables that are probably misspelled', () => {
  it.each([
    ['FRONTEND_PROT', 'FRONTEND_PORT'],
    ['FRONTED_PORT', 'FRONTEND_PORT'],
    ['frontend_port', 'FRONTEND_PORT'],
    ['FRONTEND_HOST', 'FRONTEND_HOSTNAME'],
    ['NUM_TAG_TO_KEEP', 'NUM_TAGS_TO_KEEP'],
    ['NUM_TAGS_KEEP', 'NUM_TAGS_TO_KEEP'],
    ['DEFAULT_LIMITS', 'DEFAULT_LIMIT'],
    ['USE_LOGER', 'USE_LOGGER'],
    ['LOG_HEADER', 'LOG_HEADERS'],
    ['MILRACE_DATA', 'MILLRACE_DATA'],
    ['MILLRACE_RETENSION', 'MILLRACE_RETENTION'],
    ['KAFKA_BOOTSTRAP_SERVER', 'KAFKA_BOOTSTRAP_SERVERS'],
    ['AEROSPIKE_HOST', 'AEROSPIKE_HOSTNAME'],
  ])('%s for %s', (name, meant) => {
    expect(misspelledVariables({ [name]: 'secret' }, CANDIDATES, KNOWN)).toEqual([
      `environment variable ${name} means nothing here: did you mean ${meant}?`,
    ]);
  });

  it.each([
    'PORT',
    'HOSTNAME',
    'LOGNAME',
    'LOG_LEVEL',
    'LOG_MODE',
    'LOG_DIR',
    'KAFKA_OPTS',
    'KAFKA_HOME',
    'MILLRACE_URL',
    'PATH',
    'HOME',
  ])('not %s, which may be of others', (name) => {
    expect(misspelledVariables({ [name]: 'x' }, CANDIDATES, KNOWN)).toEqual([]);
  });

  it('none where the right one is set', () => {
    expect(misspelledVariables({ KAFKA_TOPIC: 'a', KAFKA_TOPICS: 'b' }, CANDIDATES, KNOWN)).toEqual([]);
  });
});
