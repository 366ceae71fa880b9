import { expect, it } from 'vitest';

import {
  endOf,
  type DiskFile,
  FrameGroup,
  isIntact,
  nextHeader,
  readFrames,
  readHeader,
  seekFrame,
  SimulatedDisk,
} from '../src/index.ts';

const SEGMENT = 5_000_000_000_123;

/** A segment of so many groups of ten records of `size` bytes each. */
async function segment(groups: number, size: number): Promise<{ file: DiskFile; bytes: number }> {
  const file = await new SimulatedDisk().open('/segment', 'create');
  const group = new FrameGroup();
  let position = 0;
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < 10; i++) {
      const at = group.reserve(size);
      group.buffer.fill(g, at, at + size);
      group.added(at + size);
    }
    group.seal(SEGMENT, position, SEGMENT + g * 10, 1_700_000_000_000 + g);
    await file.write(group.buffer, group.length, position);
    position += group.length;
    group.clear();
  }
  return { file, bytes: position };
}

it('lays records out in frames of about 4 KiB that follow one another', async () => {
  const { file, bytes } = await segment(1, 1000);
  const { items, buffer, next } = await readFrames(file, SEGMENT, 0, bytes, Buffer.alloc(bytes));
  expect(next).toBe(bytes);
  const headers = items.map((item) => {
    if (!('header' in item)) throw new Error('a gap');
    expect(isIntact(item.header, buffer, item.bodyAt)).toBe(true);
    return item.header;
  });
  expect(headers.map(({ records, offset }) => [records, offset - SEGMENT])).toEqual([
    [4, 0],
    [4, 4],
    [2, 8],
  ]);
  expect(headers.map(({ position }) => position)).toEqual([0, ...headers.slice(0, -1).map(endOf)]);
  expect(headers.map(({ durablePosition, durableOffset, time }) => [durablePosition, durableOffset, time])).toEqual(
    headers.map(() => [0, SEGMENT, 1_700_000_000_000]),
  );
});

it('takes a header only at the place it was written for', async () => {
  const { file, bytes } = await segment(1, 100);
  const buffer = Buffer.alloc(bytes);
  await file.read(buffer, bytes, 0);
  expect(readHeader(buffer, 0, SEGMENT, 0)?.offset).toBe(SEGMENT);
  expect(readHeader(buffer, 0, SEGMENT, 512)).toBeUndefined();
  expect(readHeader(buffer, 0, SEGMENT + 1, 0)).toBeUndefined();
  expect(readHeader(buffer, 0, SEGMENT + 2 ** 32, 0)).toBeUndefined();
});

it('reads on where a chunk ended, whatever the size of the buffer', async () => {
  const { file, bytes } = await segment(30, 300);
  for (const size of [50, 3000, 5000, bytes]) {
    let position = 0;
    let expected = SEGMENT;
    while (position < bytes) {
      const chunk = await readFrames(file, SEGMENT, position, bytes, Buffer.alloc(size));
      for (const item of chunk.items) {
        if (!('header' in item)) throw new Error('a gap');
        expect(item.header.offset).toBe(expected);
        expected += item.header.records;
      }
      expect(chunk.next).toBeGreaterThan(position);
      position = chunk.next;
    }
    expect(expected).toBe(SEGMENT + 300);
  }
});

it('finds a frame shortly before any offset without reading the segment, also next to damage', async () => {
  const { file, bytes } = await segment(2000, 100);
  await file.write(Buffer.alloc(100_000), 100_000, 1_000_000);
  let read = 0;
  const counted: DiskFile = {
    ...file,
    read: async (target, length, position) => {
      read += length;
      return file.read(target, length, position);
    },
  };
  for (const offset of [0, 1, 4321, 9_700, 12_345, 19_999]) {
    const position = await seekFrame(counted, SEGMENT, bytes, SEGMENT + offset);
    const header = await nextHeader(file, SEGMENT, position, bytes);
    expect(header?.position).toBe(position);
    expect(header!.offset).toBeLessThanOrEqual(SEGMENT + offset);
    if (offset < 9_600 || offset > 11_000) expect(SEGMENT + offset - header!.offset).toBeLessThan(1000);
  }
  expect(read / 6).toBeLessThan(bytes / 5);
});
