import { defineSource, MillraceError } from '@millrace/core';
import type { OptionValues, PreparedSource } from '@millrace/core';
import { restSourceOptions } from './options.ts';
import { WebhookServer } from './webhook-server.ts';

type Values = OptionValues<typeof restSourceOptions>;

/** `http:`: options stand in the configuration only, as for a publisher. */
export const webSource = defineSource({
  options: restSourceOptions,
  ownsQuery: true,
  prepare: ({ url, values, display }) => preparedSource(url, values, display),
});

/** `rest:`: the query sets options. */
export const restSource = defineSource({
  options: restSourceOptions,
  prepare({ text, values, display }) {
    const address = text.replace(/^rest:/i, 'http:').replace(/[?#].*$/s, '');
    if (!URL.canParse(address)) {
      const accepted = 'rest://HOST:PORT/PATH';
      throw new MillraceError('INVALID_ARGUMENT', `"${display}" is not ${accepted}`, { field: 'url', accepted });
    }
    return preparedSource(new URL(address), values, display);
  },
});

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/i;

function preparedSource(url: URL, values: Values, display: string): PreparedSource {
  if (values.secret === undefined && !LOOPBACK.test(url.hostname)) {
    const message = `${display}: without a secret, anybody could send; set one, or listen on 127.0.0.1`;
    throw new MillraceError('INVALID_OPTION', message, { field: 'secret', accepted: 'a text' });
  }
  if (values.maxWaitingBytes < values.maxBody) {
    const message = `${display}: a request of max_body (${values.maxBody} bytes) would never find room: raise max_waiting_bytes`;
    throw new MillraceError('INVALID_OPTION', message, {
      field: 'max_waiting_bytes',
      value: values.maxWaitingBytes,
      accepted: `at least max_body, ${values.maxBody}`,
    });
  }
  const keptHeaders = values.headers?.split(',').map((name) => name.trim().toLowerCase()) ?? [];
  return { connect: () => WebhookServer.listen(url, { ...values, keptHeaders }) };
}
