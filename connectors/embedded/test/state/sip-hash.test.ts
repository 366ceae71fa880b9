import { describe, expect, it } from 'vitest';

import { SipHash } from '../../src/state/sip-hash.ts';

const seed = Uint8Array.from({ length: 16 }, (_, at) => at);

function hex(hash: SipHash, text: string): string {
  const target = Buffer.alloc(18);
  hash.write(text, target, 1);
  return target.toString('hex', 1, 17);
}

describe('SipHash', () => {
  // From the authors' vectors_sip128, and `openssl mac -macopt hexkey:... -macopt size:16 SIPHASH`.
  it.each([
    ['', 'a3817f04ba25a8e66df67214c7550293'],
    ['\0', 'da87c1d86b99af44347659119b22fc45'],
    ['hello wörld, a longer message', 'b301a3fbb9c643c2f2c36c4817ec8764'],
  ])('hashes %j as the reference does', (text, expected) => {
    expect(hex(new SipHash(seed), text)).toBe(expected);
  });

  it('depends on nothing that it hashed before', () => {
    const hash = new SipHash(seed);
    const fresh = (text: string): string => hex(new SipHash(seed), text);
    for (const text of ['x'.repeat(3000), 'short', 'ą'.repeat(100), '', '12345678', '1234567']) {
      expect(hex(hash, text)).toBe(fresh(text));
    }
  });

  it('depends on the seed', () => {
    expect(hex(new SipHash(new Uint8Array(16)), 'alice')).not.toBe(hex(new SipHash(seed), 'alice'));
  });
});
