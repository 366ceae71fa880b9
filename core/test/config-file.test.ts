import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defineOptions, integerOption, readConfigFile, resolveOptions, sectionFor } from '@millrace/core';
import { afterEach, beforeEach, expect, it } from 'vitest';

const options = defineOptions('up', {
  port: integerOption({ flag: 'port', default: 8080, description: 'Port' }),
  maxLag: integerOption({ default: 10, description: 'Lag' }),
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-config-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function write(text: string): Promise<string> {
  const file = path.join(directory, 'millrace.toml');
  await writeFile(file, text);
  return file;
}

it('gives each component its section', async () => {
  const file = await readConfigFile(await write('[up]\nport = 81\nmax-lag = 5\n[load]\nrate = 1\n'), ['up', 'load']);
  const { values, sources } = resolveOptions(options, { file: sectionFor(options, file) });
  expect(values).toEqual({ port: 81, maxLag: 5 });
  expect(sources).toEqual({ port: 'file', maxLag: 'file' });
});

it('may lack a section, or be empty', async () => {
  const file = await readConfigFile(await write(''), ['up']);
  expect(resolveOptions(options, { file: sectionFor(options, file) }).values.port).toBe(8080);
});

it('names file, section and key of a wrong value', async () => {
  const file = await readConfigFile(await write('[up]\nport = 8.5\n'), ['up']);
  expect(() => resolveOptions(options, { file: sectionFor(options, file) })).toThrow(
    `${directory}/millrace.toml: [up] port: 8.5 is not an integer`,
  );
});

it.each([
  ['[upp]\nport = 1', 'UNKNOWN_OPTION', 'section [upp] is unknown: did you mean [up]?'],
  ['[frontend]', 'UNKNOWN_OPTION', 'section [frontend] is unknown: there are [up], [load]'],
  ['port = 1', 'UNKNOWN_OPTION', '"port" stands outside of a section: put it under one of [up], [load]'],
  ['up = 1979-05-27', 'UNKNOWN_OPTION', '"up" stands outside of a section'],
  ['[[up]]\nport = 1', 'UNKNOWN_OPTION', '"up" stands outside of a section'],
  ['[up]\nport = ', 'INVALID_OPTION', 'cannot be read: Invalid TOML'],
])('refuses %j', async (text, code, message) => {
  await expect(readConfigFile(await write(text), ['up', 'load'])).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

it('refuses a file that is not there', async () => {
  await expect(readConfigFile(path.join(directory, 'none.toml'), ['up'])).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('ENOENT'),
    details: { field: 'config', value: path.join(directory, 'none.toml') },
  });
});
