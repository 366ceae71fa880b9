import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  booleanOption,
  choiceOption,
  defineOptions,
  describeOptions,
  durationOption,
  integerOption,
  MillraceError,
  optionsTable,
  redactedOptions,
  resolveOptions,
  sizeOption,
  stringOption,
} from '@millrace/core';
import type { OptionInputs, OptionValues } from '@millrace/core';

const options = defineOptions('up', {
  port: integerOption({ flag: 'port', env: 'FRONTEND_PORT', default: 8080, min: 0, max: 65_535, description: 'Port' }),
  host: stringOption({ flag: 'host', env: 'FRONTEND_HOSTNAME', default: '127.0.0.1', description: 'Host' }),
  data: stringOption({ flag: 'data', default: '.millrace', minLength: 1, description: 'Directory' }),
  retention: durationOption({ flag: 'retention', default: '24h', min: '1m', description: 'Rollups | kept' }),
  logMaxBytes: sizeOption({ flag: 'log-max-bytes', default: '20GB', description: 'Size of the log' }),
  useLogger: booleanOption({ flag: 'use-logger', env: 'USE_LOGGER', default: true, description: 'Log' }),
  level: choiceOption({
    flag: 'log-level',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    description: 'Level',
  }),
  token: stringOption({ env: 'MILLRACE_TOKEN', secret: true, optional: true, description: 'Token' }),
  pinCode: integerOption({ env: 'PIN', secret: true, optional: true, description: 'Secret number' }),
});

const resolve = (inputs: OptionInputs) => resolveOptions(options, inputs);

function failure(inputs: OptionInputs): MillraceError {
  try {
    resolve(inputs);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('resolved, though it should have failed');
}

describe('precedence', () => {
  it('takes the default when nothing is given', () => {
    const { values, sources, warnings } = resolve({});
    expect(values).toEqual({
      port: 8080,
      host: '127.0.0.1',
      data: '.millrace',
      retention: 86_400_000,
      logMaxBytes: 20e9,
      useLogger: true,
      level: 'info',
      token: undefined,
      pinCode: undefined,
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect(warnings).toEqual([]);
  });

  it('lets a flag win over the environment, that over the file, that over the default', () => {
    const file = { path: 'm.toml', values: { port: 1, host: 'file', data: 'file' } };
    const env = { FRONTEND_PORT: '2', FRONTEND_HOSTNAME: 'env' };
    const { values, sources } = resolve({ file, env, flags: { port: '3' } });
    expect(values).toMatchObject({ port: 3, host: 'env', data: 'file', level: 'info' });
    expect(sources).toMatchObject({ port: 'flag', host: 'environment', data: 'file', level: 'default' });
  });

  it('takes flags in kebab and camel case, and undefined as not given', () => {
    expect(resolve({ flags: { 'log-max-bytes': '1KB' } }).values.logMaxBytes).toBe(1000);
    expect(resolve({ flags: { logMaxBytes: '1KiB', port: undefined } }).values).toMatchObject({
      logMaxBytes: 1024,
      port: 8080,
    });
  });

  it('takes native TOML values and texts from a file', () => {
    const file = { path: 'm.toml', values: { port: '81', 'use-logger': false, 'log-max-bytes': 5, retention: '2h' } };
    expect(resolve({ file }).values).toMatchObject({
      port: 81,
      useLogger: false,
      logMaxBytes: 5,
      retention: 7_200_000,
    });
  });

  it('counts an empty text as a value', () => {
    expect(resolve({ env: { FRONTEND_HOSTNAME: '' } }).values.host).toBe('');
    expect(failure({ env: { FRONTEND_PORT: '' } }).code).toBe('INVALID_OPTION');
    expect(failure({ flags: { data: '' } }).message).toBe('--data: "" is not a text of at least 1 character');
  });

  it('types the values', () => {
    expectTypeOf<OptionValues<typeof options>>().toEqualTypeOf<{
      readonly port: number;
      readonly host: string;
      readonly data: string;
      readonly retention: number;
      readonly logMaxBytes: number;
      readonly useLogger: boolean;
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly token: string | undefined;
      readonly pinCode: number | undefined;
    }>();
  });
});

describe('booleans', () => {
  it.each([
    ['TRUE', true],
    ['true', true],
    ['False', false],
    ['FALSE', false],
  ])('%s is %s', (text, expected) => {
    expect(resolve({ env: { USE_LOGGER: text } }).values.useLogger).toBe(expected);
    expect(resolve({ flags: { 'use-logger': text } }).values.useLogger).toBe(expected);
  });

  it.each(['TURE', '1', 'yes', ''])('the environment text "%s" counts as unset, with a warning', (text) => {
    const { values, sources, warnings } = resolve({ env: { USE_LOGGER: text } });
    expect(values.useLogger).toBe(true);
    expect(sources.useLogger).toBe('default');
    expect(warnings).toEqual([
      `environment variable USE_LOGGER: ${JSON.stringify(text)} is ignored: it is not TRUE or FALSE (in any case)`,
    ]);
  });

  it('a flag takes true and false, but no other text', () => {
    expect(resolve({ flags: { 'use-logger': false } }).values.useLogger).toBe(false);
    expect(failure({ flags: { 'use-logger': 'TURE' } }).details.field).toBe('--use-logger');
  });
});

describe('what is not accepted stops the start', () => {
  it('names variable, value and accepted form of a non-integer', () => {
    const error = failure({ env: { FRONTEND_PORT: '80a' } });
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.message).toBe('environment variable FRONTEND_PORT: "80a" is not an integer from 0 to 65535');
    expect(error.details).toEqual({
      field: 'environment variable FRONTEND_PORT',
      value: '80a',
      accepted: 'an integer from 0 to 65535',
    });
  });

  it.each(['-1', '65536', '8080.0', '1e3', '0x10', ' 80', '٣'])('port "%s"', (port) => {
    expect(failure({ flags: { port } }).details).toMatchObject({ field: '--port', value: port });
  });

  it.each(['5000', '10', '1M', '-1s', '30s', 's', '1h30m'])('retention "%s"', (retention) => {
    expect(failure({ flags: { retention } }).details.accepted).toBe(
      'a duration with its unit (ms, s, m, h, d, y), such as 10s or 24h, from 1m up',
    );
  });

  it('a duration in a file is no bare number', () => {
    expect(failure({ file: { path: 'm.toml', values: { retention: 86_400_000 } } }).message).toContain(
      'm.toml: [up] retention: 86400000 is not a duration with its unit',
    );
  });

  it('suggests the nearest word of a choice', () => {
    expect(failure({ flags: { 'log-level': 'inof' } }).message).toBe(
      '--log-level: "inof" is not one of debug, info, warn, error: did you mean info?',
    );
  });

  it('a flag without its value', () => {
    expect(failure({ flags: { port: true } }).message).toBe('--port needs a value: an integer from 0 to 65535');
  });

  it('suggests the nearest spelling of an unknown flag or key', () => {
    const flag = failure({ flags: { retntion: '1h' } });
    expect(flag.code).toBe('UNKNOWN_OPTION');
    expect(flag.message).toBe('--retntion is unknown: did you mean --retention?');
    const key = failure({ file: { path: 'm.toml', values: { 'log-max-byte': 1 } } });
    expect(key.message).toBe('m.toml: [up] log-max-byte is unknown: did you mean log-max-bytes?');
  });

  it('lists what there is when nothing is near', () => {
    expect(failure({ flags: { zzzzzz: '1' } }).message).toBe(
      '--zzzzzz is unknown: there are port, host, data, retention, log-max-bytes, use-logger, log-level',
    );
  });

  it('names all problems in one error', () => {
    const { code, message } = failure({ flags: { prot: '1', retention: 'x' }, env: { FRONTEND_PORT: 'y' } });
    expect(code).toBe('UNKNOWN_OPTION');
    expect(message.split('\n')).toEqual([
      '3 options are wrong:',
      '  - --prot is unknown: did you mean --port?',
      '  - environment variable FRONTEND_PORT: "y" is not an integer from 0 to 65535',
      expect.stringContaining('  - --retention: "x" is not a duration'),
    ]);
  });

  it('a weaker place that is overridden is still checked', () => {
    expect(failure({ env: { FRONTEND_PORT: 'x' }, flags: { port: '1' } }).details.value).toBe('x');
  });
});

describe('definitions', () => {
  it('refuse a default that the option would not accept', () => {
    expect(() => integerOption({ default: 0, min: 1, description: '' })).toThrow(MillraceError);
    expect(() => durationOption({ default: '24', description: '' })).toThrow('says 24, which it does not accept');
  });

  it('refuse two options with one name', () => {
    const port = integerOption({ flag: 'port', default: 1, description: '' });
    expect(() => defineOptions('x', { port, other: port })).toThrow('two options of "x" are called port');
  });
});

describe('printing', () => {
  it('describes every option', () => {
    const rows = describeOptions(options);
    expect(rows.map(({ key }) => key)).toEqual([
      'port',
      'host',
      'data',
      'retention',
      'log-max-bytes',
      'use-logger',
      'log-level',
      'token',
      'pin-code',
    ]);
    expect(rows[3]).toEqual({
      key: 'retention',
      name: 'retention',
      flag: 'retention',
      env: undefined,
      default: '24h',
      accepted: 'a duration with its unit (ms, s, m, h, d, y), such as 10s or 24h, from 1m up',
      description: 'Rollups | kept',
      secret: false,
      boolean: false,
    });
  });

  it('keeps secrets out of print-outs and errors', () => {
    const rows = redactedOptions(resolve({ env: { MILLRACE_TOKEN: 'hunter2' }, flags: { retention: '90s' } }));
    expect(rows).toContainEqual({ key: 'token', value: '***', source: 'environment' });
    expect(redactedOptions(resolve({}))).toContainEqual({ key: 'retention', value: '24h', source: 'default' });
    expect(rows).toContainEqual({ key: 'pin-code', value: undefined, source: 'default' });
    expect(rows).toContainEqual({ key: 'retention', value: '90s', source: 'flag' });
    expect(JSON.stringify(rows)).not.toContain('hunter2');
    const error = failure({ env: { PIN: 'hunter2' } });
    expect(JSON.stringify([error.message, error.details])).not.toContain('hunter2');
    expect(error.message).toBe('environment variable PIN: *** is not an integer');
  });

  it('writes a Markdown table', () => {
    const lines = optionsTable(options).split('\n');
    expect(lines).toHaveLength(2 + 9 + 1);
    expect(lines[2]).toBe('| `--port` | `FRONTEND_PORT` | `8080` | an integer from 0 to 65535 | Port |');
    expect(lines[5]).toContain('Rollups \\| kept');
    expect(lines[9]).toBe('| `token` (no flag) | `MILLRACE_TOKEN` |  | a text | Token |');
  });
});
