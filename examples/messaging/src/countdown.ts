// The module of `custom-source.ts`: counts down to 1, and cannot be reached twice before that.
import { defineOptions, defineSource, integerOption, MillraceError } from '@millrace/core';

export const source = defineSource({
  options: defineOptions('countdown', {
    start: integerOption({ default: 10, min: 1, description: 'The first number' }),
  }),
  prepare({ values }) {
    let left = values.start;
    let attempts = 0;
    return {
      async connect() {
        // A code that allows a retry makes the subscriber connect again; any other ends it.
        if (++attempts <= 2) throw new MillraceError('UNAVAILABLE', 'the countdown is not set yet');
        return {
          receive: async (max) => {
            if (left === 0) return undefined; // the end
            return Array.from({ length: Math.min(max, left) }, () => ({ body: String(left--) }));
          },
          close: async () => {},
        };
      },
    };
  },
});
