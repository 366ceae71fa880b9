import { type JsonValue, type Message, openPublisher, type Publisher } from '@millrace/core';
import { changingPublisher, describePublisher } from '@millrace/testkit';

import { openAerospikeRecords } from '../../src/index.ts';
import { listOf } from '../list-of.ts';
import { withNamespace, withSet } from '../servers.ts';

const url = withNamespace();

/** A record has one key and named bins, so the suite's messages go into one record each, with their number. */
function boxed(inner: Publisher): Publisher {
  let count = 0;
  const box = ({ key, value }: Message): Message => {
    const kept = key === undefined ? {} : { key };
    return { key: `m${count}`, value: { n: count++, message: { ...kept, value } } };
  };
  return changingPublisher(inner, box);
}

describePublisher('aerospike:', {
  skip: {
    'delivers any JSON value unchanged': 'some are refused, as the client would change them; see values.test.ts',
  },
  open: async () => {
    const place = withSet(url());
    const publisher = boxed(await openPublisher(place));
    const records = await openAerospikeRecords(place);
    return {
      publisher,
      received: async () => {
        const found = (await listOf(records.scan())).toSorted((a, b) => Number(a.bins['n']) - Number(b.bins['n']));
        return found.map(({ bins }) => bins['message'] as unknown as { key?: string; value: JsonValue });
      },
      close: async () => {
        await publisher.close();
        await records.close();
      },
    };
  },
});
