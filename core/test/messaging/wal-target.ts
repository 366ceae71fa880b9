// A target for `custom:` URLs: appends JSON lines to the file that MILLRACE_TEST_TARGET names, unless NAME.away exists.
// It lets nobody in while NAME.denied exists, nobody write while NAME.readonly does, and does not take the text that
// NAME.unfit holds.
import { existsSync, readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { defineOptions, defineSink, jsonText, MillraceError } from '@millrace/core';

const target = (): string => process.env['MILLRACE_TEST_TARGET']!;

const unfit = (): string | undefined =>
  existsSync(`${target()}.unfit`) ? readFileSync(`${target()}.unfit`, 'utf8') : undefined;

const denial = (): MillraceError => new MillraceError('UNAUTHORIZED', 'the target lets nobody write');

export const sink = defineSink({
  options: defineOptions('test-target', {}),
  prepare: () => ({
    encode: ({ value }) => {
      if (typeof value === 'string' && value === unfit()) {
        throw new MillraceError('INVALID_ARGUMENT', 'the target takes no such text');
      }
      const line = `${jsonText(value)}\n`;
      return { line, bytes: line.length };
    },
    connect: async () => {
      if (existsSync(`${target()}.denied`)) throw new MillraceError('UNAUTHORIZED', 'the target lets nobody in');
      return {
        async send(messages) {
          if (existsSync(`${target()}.away`)) throw new MillraceError('UNAVAILABLE', 'the target is away');
          if (existsSync(`${target()}.readonly`)) return messages.map((_, index) => ({ index, error: denial() }));
          await appendFile(target(), messages.map(({ line }) => line).join(''));
          return [];
        },
        close: async () => {},
      };
    },
  }),
});
