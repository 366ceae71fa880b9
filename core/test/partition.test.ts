import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEFAULT_PARTITIONS, murmur2, partitionOf } from '@millrace/core';

const bytes = (text: string) => new TextEncoder().encode(text);

// Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2
it.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s', (text, hash) => {
  expect(murmur2(bytes(text))).toBe(hash);
});

it('hashes the first bytes only, when told how many', () => {
  expect(murmur2(bytes('abcdef'), 3)).toBe(479470107);
});

it.each([
  ['21', (-973932308 & 0x7fffffff) % 10],
  ['abc', 7],
])('partition of %s', (key, partition) => {
  expect(partitionOf(key, DEFAULT_PARTITIONS)).toBe(partition);
});

it('is the hash of the UTF-8 bytes for any key, short or long', () => {
  const keys = fc.string({ unit: 'binary', maxLength: 600 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
      expect(partitionOf(key, partitions)).toBe((murmur2(bytes(key)) & 0x7fffffff) % partitions);
    }),
  );
});

it.each([255, 256, 257, 768, 769])('a key of %i three-byte characters', (length) => {
  const key = '€'.repeat(length);
  expect(partitionOf(key, 1000)).toBe((murmur2(bytes(key)) & 0x7fffffff) % 1000);
});
