// The module of `custom-delegate.ts`: a target that writes lines to standard output.
import { defineOptions, defineSink, jsonText, stringOption } from '@millrace/core';

export const sink = defineSink({
  options: defineOptions('printer', {
    prefix: stringOption({ default: '>', description: 'Written before each message' }),
  }),
  prepare: ({ values }) => ({
    encode: ({ value }) => {
      const line = `${values.prefix} ${jsonText(value)}`;
      return { line, bytes: line.length };
    },
    connect: async () => ({
      async send(messages) {
        for (const { line } of messages) console.log(line);
        return [];
      },
      close: async () => {},
    }),
  }),
});
