import { describe, expect, it } from 'vitest';
import { recognise } from '../../src/frontend/tag-request.ts';

const FIELDS = ['Host: shop.example', 'Content-Type: application/json', 'Content-Length: 2'];

const requestOf = (fields: readonly string[], line = 'POST /user_tags HTTP/1.1'): Buffer =>
  Buffer.from(`${[line, ...fields].join('\r\n')}\r\n\r\n{}`, 'latin1');

describe('a request is recognised', () => {
  it('with the place of its body and its key', () => {
    const bytes = requestOf([...FIELDS, 'idempotency-KEY:\tabc ']);
    const from = bytes.length - 2;
    expect(recognise(bytes)).toEqual({ from, to: from + 2, idempotencyKey: 'abc' });
  });

  it.for([
    'connection: Keep-Alive',
    'User-Agent: curl/8.5.0',
    'Accept: */*',
    'X-Forwarded-For: 10.0.0.1',
    'Empty:',
    'Name: \xe9t\xe9',
  ])('with %s', (field) => {
    expect(recognise(requestOf([...FIELDS, field]))).toMatchObject({ idempotencyKey: undefined });
  });

  it.for(['application/json', 'Application/JSON', 'application/json; charset=UTF-8', 'application/json;charset=utf-8'])(
    'as %s',
    (type) => {
      expect(recognise(requestOf(['Host: a', `Content-Type: ${type}`, 'Content-Length: 2']))).toBeDefined();
    },
  );

  it('before its body is there', () => {
    const whole = requestOf(FIELDS);
    expect(recognise(whole.subarray(0, -2))).toEqual(recognise(whole));
  });

  it('as incomplete while its head may still become one', () => {
    const whole = requestOf(FIELDS);
    for (let length = 0; length < whole.length - 2; length++) {
      expect(recognise(whole.subarray(0, length)), `${length} bytes`).toBe('incomplete');
    }
  });
});

describe('a request is left to the parser', () => {
  it.for([
    ['another method', requestOf(FIELDS, 'GET /user_tags HTTP/1.1')],
    ['another path', requestOf(FIELDS, 'POST /user_tags/batch HTTP/1.1')],
    ['a query', requestOf(FIELDS, 'POST /user_tags?a=1 HTTP/1.1')],
    ['an old version', requestOf(FIELDS, 'POST /user_tags HTTP/1.0')],
    ['an absolute form', requestOf(FIELDS, 'POST http://shop/user_tags HTTP/1.1')],
    ['no fields', requestOf([])],
    ['bytes that are no HTTP', Buffer.from([22, 3, 1, 2, 0])],
    ['an endless head', requestOf([...FIELDS, `X: ${'x'.repeat(5000)}`]).subarray(0, 4000)],
    ['a body without end in sight', requestOf([FIELDS[0]!, FIELDS[1]!, 'Content-Length: 100000'])],
    ['no host', requestOf(FIELDS.slice(1))],
    ['no type', requestOf([FIELDS[0]!, FIELDS[2]!])],
    ['no length', requestOf(FIELDS.slice(0, 2))],
  ] as const)('with %s', ([, bytes]) => {
    expect(recognise(bytes)).toBeUndefined();
  });

  it.for([
    'Transfer-Encoding: chunked',
    'transfer-encoding : chunked',
    'Content-Encoding: gzip',
    'Expect: 100-continue',
    'Upgrade: websocket',
    'Trailer: X',
    'Connection: close',
    'Connection: keep-alive, upgrade',
    'Proxy-Connection: close',
    'Host: twice',
    'Content-Type: application/json',
    'Content-Length: 2',
    'Content-Length: 3',
    ' folded',
    'no colon',
    ': no name',
    'na me: x',
    'X: a\rContent-Length: 5',
    'X: a\nContent-Length: 5',
    'X: \x00',
    'X: \x7f',
    'Idempotency-Key: \xa0k',
  ])('with the field %j', (field) => {
    expect(recognise(requestOf([...FIELDS, field]))).toBeUndefined();
    expect(recognise(requestOf([FIELDS[0]!, field, FIELDS[1]!, FIELDS[2]!]))).toBeUndefined();
  });

  it.for(['+2', '-2', '0x2', '2, 2', '2.0', '', '1e1', '\xa02'])('with the length %j', (length) => {
    expect(recognise(requestOf(['Host: a', FIELDS[1]!, `Content-Length: ${length}`]))).toBeUndefined();
  });

  it.for(['text/plain', 'application/json; charset=latin1', 'application/jsonp', ''])('as %s', (type) => {
    expect(recognise(requestOf(['Host: a', `Content-Type: ${type}`, 'Content-Length: 2']))).toBeUndefined();
  });

  it('with two keys', () => {
    expect(recognise(requestOf([...FIELDS, 'Idempotency-Key: a', 'idempotency-key: b']))).toBeUndefined();
  });
});
