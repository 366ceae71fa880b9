import { expect, it } from 'vitest';

import { parseEmbeddedUrl } from '../src/url.ts';

it.each([
  ['embedded:.millrace', '.millrace', false],
  ['embedded:./my data', './my data', false],
  ['embedded:/var/lib/millrace', '/var/lib/millrace', false],
  ['embedded:///var/lib/millrace', '///var/lib/millrace', false],
  ['EMBEDDED:50%', '50%', false],
  ['embedded:data?sync=always', 'data', true],
  ['embedded:data?sync=second', 'data', false],
])('%s', (url, path, syncAlways) => {
  expect(parseEmbeddedUrl(url)).toEqual({ path, syncAlways });
});

it.each(['embedded:', 'embedded:?sync=always', 'embedded://host/data', 'embedded:data?sink=1', 'embedded:data?sync'])(
  '%s is refused',
  (url) => {
    expect(() => parseEmbeddedUrl(url)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        details: expect.objectContaining({ field: 'url', value: url }),
      }),
    );
  },
);
