import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { redactSecrets, REDACTED } from '../../../contracts/redaction.ts';

const KEY = `sk-${'aB3_-'.repeat(5)}`;

describe('redaction', () => {
  it.each([
    [`use ${KEY}.`, `use ${REDACTED}.`],
    ['password: hunter2 and more', `${REDACTED} and more`],
    ['PASSWORD=hunter2', REDACTED],
    ['api_key = abc', REDACTED],
    ['my-token:abc', `my-${REDACTED}`],
    ['{"secret": "a b c", "x": 1}', `{"${REDACTED}, "x": 1}`],
    ["bearer='x y'", REDACTED],
  ])('%j', (text, redacted) => {
    expect(redactSecrets(text)).toEqual({ text: redacted, applied: true });
  });

  it.each(['sk-short', 'the password is long', 'tokens are counted', 'bearer of news', 'secret:', ''])(
    '%j is left alone',
    (text) => {
      expect(redactSecrets(text)).toEqual({ text, applied: false });
    },
  );

  it('lets no key through, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(redactSecrets(`${before} ${KEY} ${after}`).text).not.toContain(KEY);
      }),
    );
  });

  it('takes little time for a long text', () => {
    const start = performance.now();
    redactSecrets('token '.repeat(200_000));
    redactSecrets(`sk-${'-'.repeat(1_000_000)}`);
    redactSecrets(`password${' '.repeat(100_000)}x`);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
