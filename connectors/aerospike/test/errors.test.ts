import { describe, expect, it } from 'vitest';

import { aerospikeError, statusError } from '../src/errors.ts';

describe('what a result code means', () => {
  it.each([9, 11, 14, 18, -1, -6, -7, -8, -10])('%i may pass: UNAVAILABLE, to be tried again', (status) => {
    const error = statusError(status, 'aerospike://a/test');
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retry: true });
    expect(error.message).toContain(`aerospike://a/test answered ${status}: `);
  });

  it.each([
    [13, 'RECORD_TOO_LARGE', 'split it'],
    [20, 'REFUSED', 'namespace does not exist'],
    [21, 'REFUSED', '15 characters'],
    [22, 'REFUSED', 'nsup-period'],
    [3, 'REFUSED', 'read it again'],
    [12, 'REFUSED', 'another type'],
    [25, 'REFUSED', 'Enterprise'],
    [62, 'UNAUTHORIZED', 'password'],
    [9999, 'REFUSED', 'has failed'],
  ])('%i will not: %s, and what to do', (status, code, hint) => {
    const error = statusError(status, 'aerospike://a/test');
    expect(error).toMatchObject({ code, retry: false });
    expect(error.message).toContain(hint);
  });

  it('keeps what is no failure of the client as its cause', () => {
    const cause = new TypeError('Key must not be empty');
    expect(aerospikeError(cause, 'aerospike://a/test')).toMatchObject({ code: 'REFUSED', cause });
  });
});
