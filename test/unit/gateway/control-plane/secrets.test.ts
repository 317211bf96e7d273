import { describe, expect, it } from '@jest/globals';
import { secretEquals } from '../../../../gateway/control-plane/secrets.ts';

describe('comparing secrets', () => {
  it('accepts only the very same text, of any length', () => {
    expect(secretEquals('psk', 'psk')).toBe(true);
    for (const other of ['', 'ps', 'pskk', 'PSK', 'psk '.repeat(1000)])
      expect(secretEquals(other, 'psk')).toBe(false);
  });
});
