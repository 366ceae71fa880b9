import Aerospike from 'aerospike';
import type { AerospikeError, Client } from 'aerospike';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelOperation, ModelRecord, ModelStep } from './record-model.ts';
import { after } from './record-model.ts';
import type { ClientKey } from './with-client.ts';
import { codeOf, withClient } from './with-client.ts';

const { lists, maps, operations, policy } = Aerospike;

const EXISTS = {
  ignore: policy.exists.IGNORE,
  create: policy.exists.CREATE,
  update: policy.exists.UPDATE,
  replace: policy.exists.REPLACE,
  createOrReplace: policy.exists.CREATE_OR_REPLACE,
} as const;

/** A machine may stand still for a while, but not for this long. */
const SLOWNESS_SECONDS = 60;

const bin = fc.constantFrom('a', 'b', 'c');
const number = fc.integer({ min: -1000, max: 1000 });
const text = fc.constantFrom('', 'x', 'ż');
const bytes = fc.constantFrom('', '00', 'ff01').map((hex) => Buffer.from(hex, 'hex'));

const operation: fc.Arbitrary<ModelOperation> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), bin, value: fc.oneof(number, text, fc.constant(null)) }),
  fc.record({ kind: fc.constant('increment' as const), bin, by: number }),
  fc.record({ kind: fc.constant('append' as const), bin, value: fc.oneof(text, bytes) }),
  fc.record({ kind: fc.constant('listAppend' as const), bin, value: number }),
  fc.record({ kind: fc.constant('mapPut' as const), bin, key: fc.constantFrom('k', 'l'), value: number }),
  fc.constant({ kind: 'touch' as const }),
);

const generation = fc.option(fc.nat({ max: 4 }), { nil: undefined, freq: 3 });

const step: fc.Arbitrary<ModelStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
      exists: fc.constantFrom('ignore' as const, 'ignore' as const, 'create', 'update', 'replace', 'createOrReplace'),
      generation,
      ttl: fc.constantFrom(undefined, -1, -2, 1000, 5000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), generation }) },
);

type ClientOperation = Parameters<Client['operate']>[1][number];

function clientOperation(each: ModelOperation): ClientOperation {
  switch (each.kind) {
    case 'write':
      return operations.write(each.bin, each.value);
    case 'increment':
      return operations.incr(each.bin, each.by);
    case 'append':
      return operations.append(each.bin, each.value);
    case 'listAppend':
      return lists.append(each.bin, each.value);
    case 'mapPut':
      return maps.put(each.bin, each.key, each.value);
    default:
      return operations.touch(0);
  }
}

function run(client: Client, key: ClientKey, given: ModelStep): Promise<number> {
  const check = given.generation === undefined ? {} : { gen: policy.gen.EQ };
  if (given.kind === 'remove') {
    const { generation: expected = 0 } = given;
    return codeOf(
      client.remove(key, new Aerospike.RemovePolicy({ ...check, generation: expected, totalTimeout: 20_000 })),
    );
  }
  const meta = {
    ...(given.generation !== undefined && { gen: given.generation }),
    ...(given.ttl !== undefined && { ttl: given.ttl }),
  };
  const options = { ...check, exists: EXISTS[given.exists], totalTimeout: 20_000 };
  return codeOf(client.operate(key, given.operations.map(clientOperation), meta, new Aerospike.OperatePolicy(options)));
}

/** The record as the model has it, with the TTL in steps that a slow machine does not leave. */
async function stored(client: Client, key: ClientKey): Promise<unknown> {
  return client.get(key).then(
    ({ bins, gen, ttl }) => ({
      bins,
      gen,
      ttl: ttl === -1 ? -1 : Math.ceil((ttl ?? 0) / SLOWNESS_SECONDS) * SLOWNESS_SECONDS,
    }),
    ({ code }: AerospikeError) => code,
  );
}

const modelled = (record: ModelRecord | undefined): unknown =>
  record === undefined
    ? 2
    : {
        bins: Object.fromEntries(record.bins),
        gen: record.generation,
        ttl: record.ttl === -1 ? -1 : Math.ceil(record.ttl / SLOWNESS_SECONDS) * SLOWNESS_SECONDS,
      };

describe('a record', () => {
  const subject = withClient();

  it('is after any steps what the model says', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const { client } = subject();
        const key = subject().key(`model-${runs++}`);
        let record: ModelRecord | undefined;
        for (const given of steps) {
          const expected = after(record, given);
          expect({ code: await run(client, key, given), after: await stored(client, key) }).toEqual({
            code: expected.code,
            after: modelled(expected.record),
          });
          ({ record } = expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});
