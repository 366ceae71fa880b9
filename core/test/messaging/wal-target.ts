// A target for `custom:` URLs: appends JSON lines to the file that MILLRACE_TEST_TARGET names, unless NAME.away exists.
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { defineOptions, defineSink, jsonText, MillraceError } from '@millrace/core';

export const sink = defineSink({
  options: defineOptions('test-target', {}),
  prepare: () => ({
    encode: ({ value }) => {
      const line = `${jsonText(value)}\n`;
      return { line, bytes: line.length };
    },
    connect: async () => ({
      async send(messages) {
        const file = process.env['MILLRACE_TEST_TARGET']!;
        if (existsSync(`${file}.away`)) throw new MillraceError('UNAVAILABLE', 'the target is away');
        await appendFile(file, messages.map(({ line }) => line).join(''));
        return [];
      },
      close: async () => {},
    }),
  }),
});
