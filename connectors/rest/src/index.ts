import type { Connector } from '@millrace/core';
import { restSink, webSink } from './publisher.ts';
import { restSource, webSource } from './subscriber.ts';

export { restSinkOptions, restSourceOptions } from './options.ts';
export { SIGNATURE_PREFIX, signatureOf } from './signature.ts';

/** Webhooks. The query of an `http:` URL belongs to the address; the one of a `rest:` URL sets options. */
export const connector: Connector = {
  sinks: { rest: restSink, http: webSink, https: webSink },
  sources: { rest: restSource, http: webSource },
};
