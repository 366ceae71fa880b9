import { defineSink, MillraceError, type SinkConnector } from '@millrace/core';

import { type AerospikeAddress, sinkAddress } from '../address.ts';
import { connect } from '../client.ts';
import { encoder } from './message.ts';
import { publisherOptions, type PublisherValues } from './options.ts';
import { RecordSink } from './record-sink.ts';

/** `aerospike://host/namespace/set`: one record per message, whose fields are its bins. */
export const publisher: SinkConnector = defineSink({
  options: publisherOptions,
  prepare: ({ text, values }) => {
    const rules = { ...values, ...values.policies };
    const address = addressOf(text, rules);
    return {
      encode: encoder(rules),
      connect: async (signal) => new RecordSink(await connect(address, { signal, waits: false }), rules),
    };
  },
});

function addressOf(text: string, values: PublisherValues): AerospikeAddress {
  const { policies } = values;
  const address = sinkAddress(text, values);
  if (address.set === undefined) {
    throw new MillraceError('INVALID_OPTION', `${address.display} names no set: write aerospike://host/namespace/set`, {
      field: 'url',
      value: address.display,
      accepted: 'aerospike://host[:port][,host[:port]...]/namespace/set, or aerospike://namespace/set with hosts',
    });
  }
  // A silence that is longer than the whole wait would cut nothing short.
  const { totalTimeout } = address;
  return policies?.socketTimeout === undefined && policies?.totalTimeout !== undefined
    ? { ...address, socketTimeout: totalTimeout }
    : address;
}
