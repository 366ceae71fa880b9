import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BatchReceiver, MAX_BATCH_BYTES } from '../../src/frontend/batch-body.ts';

const CHUNK = Buffer.alloc(MAX_BATCH_BYTES / 4);

async function send(source: PassThrough, chunks: number): Promise<void> {
  for (let i = 0; i < chunks; i++) {
    source.write(CHUNK);
    await nextTurn();
  }
}

const lengthOf = ({ length }: Buffer): number => length;

/** Begins as many bodies as fit in. */
async function fill(
  receiver: BatchReceiver,
  work: (body: Buffer) => number | Promise<number> = lengthOf,
): Promise<{ sources: PassThrough[]; bodies: Promise<number>[] }> {
  const sources = Array.from({ length: 16 }, () => new PassThrough());
  const bodies = sources.map((source) => receiver.receive(source, {}, work));
  for (const source of sources) await send(source, 4);
  return { sources, bodies };
}

describe('bodies that are received at once', () => {
  it('are bounded all together, until what becomes of them is done', async () => {
    const receiver = new BatchReceiver();
    const gate = Promise.withResolvers<void>();
    const { sources, bodies } = await fill(receiver, async ({ length }) => {
      await gate.promise;
      return length;
    });
    for (const end of [false, true]) {
      if (end) for (const source of sources) source.end();
      await nextTurn();
      const oneMore = new PassThrough();
      const refused = expect(receiver.receive(oneMore, {}, lengthOf)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
      await send(oneMore, 1);
      oneMore.end();
      await refused;
    }
    gate.resolve();
    expect(await Promise.all(bodies)).toEqual(sources.map(() => MAX_BATCH_BYTES));
    const later = new PassThrough();
    const body = receiver.receive(later, {}, lengthOf);
    await send(later, 2);
    later.end();
    expect(await body).toBe(2 * CHUNK.length);
  });

  it.for([
    ['of a length that is too much', { 'content-length': String(MAX_BATCH_BYTES + 1) }],
    ['of unknown length', {}],
  ] as const)('leave nothing behind when they are too large, %s', async ([, headers]) => {
    const receiver = new BatchReceiver();
    for (let i = 0; i < 5; i++) {
      const source = new PassThrough();
      const refused = expect(receiver.receive(source, headers, lengthOf)).rejects.toMatchObject({
        code: 'BODY_TOO_LARGE',
      });
      await send(source, 20);
      source.end();
      await refused;
    }
    const { sources, bodies } = await fill(receiver);
    for (const source of sources) source.end();
    expect(await Promise.all(bodies)).toHaveLength(sources.length);
  });

  it('leave nothing behind when their sender goes away', async () => {
    const receiver = new BatchReceiver();
    const first = await fill(receiver);
    for (const source of first.sources) source.destroy(new Error('aborted'));
    for (const body of first.bodies) await expect(body).rejects.toMatchObject({ code: 'CANCELLED' });
    const { sources, bodies } = await fill(receiver);
    for (const source of sources) source.end();
    expect(await Promise.all(bodies)).toHaveLength(sources.length);
  });
});
