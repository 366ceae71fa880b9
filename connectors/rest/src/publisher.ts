import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineSink, jsonText, MillraceError } from '@millrace/core';
import type { Message, OptionValues, PreparedSink } from '@millrace/core';
import { checkedHeaders, IDEMPOTENCY_HEADER, KEY_HEADER, parseHeaders } from './message-headers.ts';
import { restSinkOptions } from './options.ts';
import type { Target, WebMessage } from './request.ts';
import { RequestSink } from './request-sink.ts';
import type { Outcomes } from './request-sink.ts';
import { signatureOf } from './signature.ts';

type Values = OptionValues<typeof restSinkOptions>;

/** What a message takes beside its body, about. */
const OVERHEAD_BYTES = 512;
/** Enough for the slowest request not to hold up the others for long. */
const BATCH_PER_REQUEST = 8;

/** `http:` and `https:`: the whole URL is the address. */
export const webSink = defineSink({
  options: restSinkOptions,
  ownsQuery: true,
  prepare({ url, values, display }) {
    if (!values.tls) return preparedSink(url, values, display);
    throw new MillraceError('INVALID_OPTION', `${display}: tls is for rest: URLs; write https: instead`, {
      field: 'tls',
    });
  },
});

/** `rest:`: the query sets options. */
export const restSink = defineSink({
  options: restSinkOptions,
  prepare({ text, values, display }) {
    const address = text.replace(/^rest:/i, values.tls ? 'https:' : 'http:').replace(/[?#].*$/s, '');
    if (!URL.canParse(address)) {
      const accepted = 'rest://HOST[:PORT]/PATH';
      throw new MillraceError('INVALID_ARGUMENT', `"${display}" is not ${accepted}`, { field: 'url', accepted });
    }
    return preparedSink(new URL(address), values, display);
  },
});

function preparedSink(url: URL, values: Values, display: string): PreparedSink<WebMessage> {
  const target: Target = {
    url,
    method: values.method,
    headers: { ...authorizationOf(url), ...(values.headers === undefined ? {} : parseHeaders(values.headers)) },
    timeoutMs: values.timeout,
    display,
  };
  // What the target asked for outlives the connection on which it did.
  let notBefore = 0;
  const retryAfter = (waitMs: number): void => {
    notBefore = performance.now() + Math.min(waitMs, values.maxRetryAfter);
  };
  const outcomes: Outcomes = new WeakMap();
  return {
    // In order, every message has attempts of its own.
    maxBatch: values.concurrency === 1 ? 1 : values.concurrency * BATCH_PER_REQUEST,
    encode: (message) => encode(message, values),
    async connect(signal) {
      const waitMs = notBefore - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      return new RequestSink(target, values.concurrency, outcomes, retryAfter);
    },
  };
}

/** Everything that stays the same over retries. */
function encode({ key, value, headers }: Message, { secret, signatureHeader }: Values): WebMessage {
  const body = jsonText(value);
  return {
    body,
    bytes: body.length * 2 + OVERHEAD_BYTES,
    headers: {
      [IDEMPOTENCY_HEADER]: randomUUID(),
      ...(headers === undefined ? {} : checkedHeaders(headers)),
      ...(key === undefined ? {} : { [KEY_HEADER]: encodeURIComponent(key) }),
      ...(secret === undefined ? {} : { [signatureHeader.toLowerCase()]: signatureOf(secret, body) }),
    },
  };
}

function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
