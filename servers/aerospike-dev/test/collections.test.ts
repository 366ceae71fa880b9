import Aerospike from 'aerospike';
import type { Client } from 'aerospike';
import { describe, expect, it } from 'vitest';
import { codeOf, withClient } from './with-client.ts';

const { lists, maps, bitwise } = Aerospike;
const { VALUE, COUNT, INDEX, RANK, REVERSE_RANK: REVERSE, NONE } = lists.returnType;
const MAP = maps.returnType;
const Context = Aerospike.cdt.Context;
const { CREATE_ONLY, NO_FAIL, PARTIAL } = bitwise.writeFlags;

const inverted = lists.getByValueList('l', [1, 5]).andReturn(VALUE);
inverted.invertSelection();

const noFail = { writeFlags: lists.writeFlags.NO_FAIL };
const readThroughNew = lists.size('m').withContext(new Context().addMapKeyCreate('new', maps.order.KEY_ORDERED));

/** The client's types know texts only. */
const doubleKey = 2.5 as unknown as string;

type AnyOperation = Parameters<Client['operate']>[1][number];

const range = (from: number, to: number, value: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`key ${from + i}`, value]));

describe('lists, maps and blobs', () => {
  const subject = withClient();
  let created = 0;

  /** Answers of the operations on a record of these bins, and the bins after them. */
  async function operate(bins: Aerospike.AerospikeBins, ...operations: AnyOperation[]) {
    const { client, key } = subject();
    const fresh = key(`collection-${created++}`);
    await client.put(fresh, bins);
    const { bins: answers } = await client.operate(fresh, operations);
    return { answers, after: (await client.get(fresh)).bins };
  }

  it('appends, inserts, sets, removes and trims', async () => {
    const { after } = await operate(
      { l: [1, 2, 3] },
      lists.append('l', 4),
      lists.appendItems('l', [5, 6]),
      lists.insert('l', 0, 0),
      lists.set('l', 1, 'one'),
      lists.remove('l', 2),
      lists.trim('l', 0, 4),
    );
    expect(after).toEqual({ l: [0, 'one', 3, 4] });
  });

  it.each([
    ['size', lists.size('l'), 4],
    ['get', lists.get('l', -1), 2],
    ['getRange', lists.getRange('l', 1, 2), [1, 3]],
    ['pop', lists.pop('l', 0), 5],
    ['increment', lists.increment('l', 1, 10), 11],
    ['value of a range of indexes', lists.getByIndexRange('l', 1, 2).andReturn(VALUE), [1, 3]],
    ['rank', lists.getByRank('l', 0).andReturn(VALUE), 1],
    ['index of a value', lists.getByValue('l', 3).andReturn(INDEX), [2]],
    ['rank of a value', lists.getByValue('l', 3).andReturn(RANK), [2]],
    ['count between values', lists.getByValueRange('l', 2, 5).andReturn(COUNT), 2],
    ['the others', inverted, [3, 2]],
    ['ranks near a value', lists.getByValueRelRankRange('l', 3, -1, 2).andReturn(RANK), [1, 2]],
  ] as const)('answers the %s of a list', async (_name, operation, expected) => {
    const { answers } = await operate({ l: [5, 1, 3, 2] }, operation);
    expect(answers).toEqual({ l: expected });
  });

  it('keeps an ordered list in order, and elements unique where asked', async () => {
    const unique = { writeFlags: lists.writeFlags.ADD_UNIQUE };
    const { after } = await operate(
      { l: [3, 1, 2] },
      lists.setOrder('l', lists.order.ORDERED),
      lists.append('l', 0),
      lists.append('l', 2.5),
    );
    expect(after).toEqual({ l: [0, 1, 2, 3, 2.5] });
    const { client, key } = subject();
    expect(await codeOf(operate({ l: [1] }, lists.append('l', 1, unique)))).toBe(24);
    await client.put(key('partial'), { l: [1] });
    const flags = lists.writeFlags.ADD_UNIQUE | lists.writeFlags.NO_FAIL | lists.writeFlags.PARTIAL;
    await client.operate(key('partial'), [lists.appendItems('l', [1, 2, 2, 3], { writeFlags: flags })]);
    expect((await client.get(key('partial'))).bins).toEqual({ l: [1, 2, 3] });
  });

  it('makes a list or map where there is none, not where the operation only takes', async () => {
    const { answers, after } = await operate(
      { other: 1 },
      lists.append('l', 1),
      maps.put('m', 'a', 1),
      lists.clear('x'),
    );
    expect({ answers, after }).toEqual({ answers: { l: 1, m: 1, x: null }, after: { other: 1, l: [1], m: { a: 1 } } });
  });

  it('puts, adds to and removes entries of a map', async () => {
    const { after } = await operate(
      { m: { a: 1, b: 2, c: 3 } },
      maps.put('m', 'd', 4),
      maps.putItems('m', { a: 10, e: 5 }),
      maps.increment('m', 'b', 20),
      maps.removeByKey('m', 'c').andReturn(MAP.NONE),
      maps.removeByValue('m', 5).andReturn(MAP.NONE),
    );
    expect(after).toEqual({ m: { a: 10, b: 22, d: 4 } });
  });

  it('puts many entries at once into a map that has many', async () => {
    const { answers, after } = await operate(
      { m: range(0, 5000, 'old') },
      maps.putItems('m', range(2500, 7500, 'new')),
    );
    expect(answers).toEqual({ m: 7500 });
    expect(after).toEqual({ m: { ...range(0, 2500, 'old'), ...range(2500, 7500, 'new') } });
  });

  it.each([
    ['value of a key', maps.getByKey('m', 'b').andReturn(MAP.VALUE), 9],
    ['value of a missing key', maps.getByKey('m', 'z').andReturn(MAP.VALUE), null],
    ['keys of a range', maps.getByKeyRange('m', 'a', 'c').andReturn(MAP.KEY), ['a', 'b']],
    ['keys by index', maps.getByIndexRange('m', -2, 2).andReturn(MAP.KEY), ['b', 'c']],
    ['key of a rank', maps.getByRank('m', -1).andReturn(MAP.KEY), 'b'],
    ['keys and values', maps.getByKeyList('m', ['a', 'c']).andReturn(MAP.KEY_VALUE), ['a', 5, 'c', 7]],
    ['count', maps.getByValueRange('m', 6, 10).andReturn(MAP.COUNT), 2],
    ['entries near a key', maps.getByKeyRelIndexRange('m', 'b', 0, 5).andReturn(MAP.KEY), ['b', 'c']],
    ['existence', maps.getByKey('m', 'a').andReturn(MAP.EXISTS), true],
  ] as const)('answers the %s of a map', async (_name, operation, expected) => {
    const { answers } = await operate({ m: { c: 7, a: 5, b: 9 } }, operation);
    expect(answers).toEqual({ m: expected });
  });

  it('refuses map entries that exist, or do not, where asked', async () => {
    const [create, update] = [maps.writeFlags.CREATE_ONLY, maps.writeFlags.UPDATE_ONLY].map(
      (writeFlags) => new Aerospike.MapPolicy({ writeFlags }),
    );
    expect(await codeOf(operate({ m: { a: 1 } }, maps.put('m', 'a', 2, create)))).toBe(24);
    expect(await codeOf(operate({ m: { a: 1 } }, maps.put('m', 'b', 2, update)))).toBe(23);
  });

  it('reaches nested lists and maps, and makes them on the way', async () => {
    const nested = new Context().addMapKey('a').addListIndex(-1);
    const made = new Context().addMapKeyCreate('new', maps.order.KEY_ORDERED);
    const { answers, after } = await operate(
      { m: { a: [1, [2, 3]] } },
      lists.append('m', 4).withContext(nested),
      maps.put('m', 'x', 1).withContext(made),
      maps.getByKey('m', 'a').andReturn(MAP.VALUE),
    );
    expect(answers).toEqual({ m: [1, [2, 3, 4]] });
    expect(after).toEqual({ m: { a: [1, [2, 3, 4]], new: { x: 1 } } });
    const nowhere = new Context().addMapKey('z');
    expect(await codeOf(operate({ m: {} }, lists.append('m', 4).withContext(nowhere)))).toBe(26);
  });

  it.each([
    ['a count below 0 reaches the last element', lists.getRange('l', 1, -1), [1, 3, 2]],
    ['an element that is null is answered as no bin', lists.get('n', 0), undefined],
    [
      'ranks come ascending, also counted from the highest',
      lists.getByValueRange('l', 2, 6).andReturn(REVERSE),
      [0, 1, 2],
    ],
  ] as const)('%s', async (_name, operation, expected) => {
    const { answers } = await operate({ l: [5, 1, 3, 2], n: [null] }, operation);
    expect(Object.values(answers)[0]).toEqual(expected);
  });

  it.each([
    ['a value at an index of an ordered list', 26, lists.set('o', 0, 1)],
    ['an index before the list, also where nothing may fail', 26, lists.set('l', -9, 1, noFail)],
    ['an addition to what is no number', 4, lists.increment('t', 0, 1)],
    ['an addition to null', 4, maps.increment('m', 'null', 1)],
    ['the key of a map that is a double', 4, maps.put('m', doubleKey, 1)],
    ['ranks of a list of keys', 26, maps.getByKeyList('m', ['a']).andReturn(MAP.RANK)],
    ['a context through a value that is no list', 26, lists.append('m', 1).withContext(new Context().addListIndex(0))],
    ['a context into a bin that is no list', 4, lists.append('text', 1).withContext(new Context().addListIndex(0))],
    ['a read through a context that would have to be made', 26, readThroughNew],
  ] as const)('refuses %s with code %i', async (_name, code, operation) => {
    const { client, key } = subject();
    const fresh = key(`refused-${created++}`);
    await client.put(fresh, { l: [1], t: ['a'], m: { a: 1, null: null }, text: 'a' } as Aerospike.AerospikeBins);
    await client.operate(fresh, [lists.create('o', lists.order.ORDERED), lists.append('o', 1)]);
    expect(await codeOf(client.operate(fresh, [operation]))).toBe(code);
  });

  it('removes by value without an answer', async () => {
    const { after } = await operate({ l: ['a', 'b', 'a'] }, lists.removeByValue('l', 'a').andReturn(NONE));
    expect(after).toEqual({ l: ['b'] });
  });

  it('changes and reads bits', async () => {
    const { answers, after } = await operate(
      { b: Buffer.from([0b0000_1111, 0b1111_0000]), c: Buffer.from([1]) },
      bitwise.or('b', 0, 4, Buffer.from([0b1010_0000])),
      bitwise.not('b', 8, 8),
      bitwise.add('c', 0, 8, 254, false),
      bitwise.insert('b', 1, Buffer.from([0xff])),
      bitwise.getInt('b', 0, 8, false),
      bitwise.rscan('c', 0, 8, true),
    );
    expect(answers).toMatchObject({ b: 0b1010_1111, c: 7 });
    expect(after).toEqual({ b: Buffer.from([0b1010_1111, 0xff, 0b0000_1111]), c: Buffer.from([255]) });
    expect(await codeOf(operate({ c: Buffer.from([255]) }, bitwise.add('c', 0, 8, 1, false)))).toBe(26);
  });

  it('changes the part of the bits that the blob has, and takes an added value for one of as many bits', async () => {
    const { after } = await operate(
      { b: Buffer.from([0, 0]), c: Buffer.from([0x33]) },
      bitwise.not('b', 12, 20).withPolicy({ writeFlags: PARTIAL }),
      bitwise.add('c', 0, 8, 221, true).onOverflow(bitwise.overflow.SATURATE),
    );
    expect(after).toEqual({ b: Buffer.from([0, 0x0f]), c: Buffer.from([0x10]) });
  });

  it.each([
    ['a blob larger than a message', 4, bitwise.resize('b', 2 ** 31 - 1)],
    ['an insert beyond every blob', 4, bitwise.insert('b', 2 ** 31 - 1, Buffer.from([1]))],
    ['bits of which there are none', 26, bitwise.get('b', 0, 2 ** 20)],
    ['a size of 0', 4, bitwise.get('b', 0, 0)],
    ['bits before the blob', 4, bitwise.get('b', -9, 1)],
    ['an integer of 65 bits', 4, bitwise.getInt('b', 0, 65, false)],
    ['a value of fewer bits than are written', 4, bitwise.or('b', 0, 16, Buffer.from([1]))],
    ['an empty value', 4, bitwise.insert('b', 0, Buffer.alloc(0))],
    ['no bits, also of what is no blob', 4, bitwise.not('l', 0, 0)],
    ['an addition in parts', 4, bitwise.add('b', 0, 8, 1, false).withPolicy({ writeFlags: PARTIAL })],
    ['what may only be made, of a change', 4, bitwise.not('b', 0, 8).withPolicy({ writeFlags: CREATE_ONLY })],
    [
      'bits before the blob, also where nothing may fail',
      4,
      bitwise.not('b', -9, 1).withPolicy({ writeFlags: NO_FAIL }),
    ],
    ['what is no blob, also where nothing may fail', 12, bitwise.not('l', 0, 1).withPolicy({ writeFlags: NO_FAIL })],
    ['a blob larger than a record', 13, bitwise.resize('b', 10_000_000)],
    ['a list larger than a record', 13, lists.set('l', 10_000_000, 1)],
    ['a list larger than a message', 4, lists.set('l', 2 ** 31 - 1, 1)],
  ] as const)('refuses %s with code %i, without taking the memory for it', async (_name, code, operation) => {
    expect(await codeOf(operate({ b: Buffer.from([1]), l: [1] }, operation))).toBe(code);
  });
});
