import { MultipleErrors, NetworkError, ResponseError } from '@platformatic/kafka';
import { expect, it } from 'vitest';

import { outcomesOf } from '../src/produce/outcome.ts';

const PRODUCE = 0;
const METADATA = 3;
const NOT_LEADER = 6;

/** An answer to a request for partitions 0, 1, 2 ...: their offsets, undefined where the broker did not lead them. */
function answer(...offsets: (number | undefined)[]): ResponseError {
  const partitionResponses = offsets.map((offset, index) => ({
    index,
    errorCode: offset === undefined ? NOT_LEADER : 0,
    baseOffset: BigInt(offset ?? -1),
  }));
  const refused = partitionResponses.filter(({ errorCode }) => errorCode !== 0);
  const errors = Object.fromEntries(refused.map(({ index }) => [`/responses/${index}`, [NOT_LEADER, null]]));
  return new ResponseError(PRODUCE, 11, errors as never, { responses: [{ partitionResponses }] });
}

const refusedConnection = new NetworkError('Connection to 127.0.0.1:9092 failed.');
const outcomes = (...attempts: Error[]) =>
  [0, 1].map(outcomesOf(new MultipleErrors('failed', attempts), 'kafka://b/t'));

it('may be sent anew when each attempt left nothing behind', () => {
  expect(outcomes(refusedConnection, answer(undefined, undefined))).toEqual([
    expect.objectContaining({ inDoubt: false, mayPass: true }),
    expect.objectContaining({ inDoubt: false, mayPass: true }),
  ]);
});

it('is not told by the answer to another request, as the one for the leaders', () => {
  const errors = { '/topics/0': [NOT_LEADER, null] };
  const metadata = new ResponseError(METADATA, 12, errors as never, { topics: [], brokers: [] });
  expect(outcomes(metadata, answer(7, undefined))).toEqual([
    { offset: 7 },
    expect.objectContaining({ inDoubt: false, mayPass: true }),
  ]);
});

it('is in doubt once an answer was lost, whatever later attempts are told', () => {
  const lost = new NetworkError('Connection closed');
  expect(outcomes(lost, refusedConnection, answer(undefined, undefined))).toEqual([
    expect.objectContaining({ inDoubt: true, mayPass: false }),
    expect.objectContaining({ inDoubt: true, mayPass: false }),
  ]);
});

it('is written where one of the answers says so, in the partition that it says it of', () => {
  expect(outcomes(answer(7, undefined), answer(undefined, undefined))).toEqual([
    { offset: 7 },
    expect.objectContaining({ inDoubt: false, mayPass: true }),
  ]);
});
