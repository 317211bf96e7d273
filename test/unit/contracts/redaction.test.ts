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
    ['password="hunter2 is open', REDACTED],
    ["token: 'abc", REDACTED],
    ['password = "two\nlines" and more', `${REDACTED} and more`],
    [`KEY_${KEY}`, `KEY_${REDACTED}`],
    [`a${KEY}`, `a${REDACTED}`],
    [String.raw`{\"password\":\"hunter2\"}`, String.raw`{\"${REDACTED}}`],
    [String.raw`secret: "ab\"cdREST" and more`, `${REDACTED} and more`],
    ['secret => "a b"', REDACTED],
    ['**Password:** hunter2', `**${REDACTED}`],
    ['password: `a b` and more', `${REDACTED} and more`],
    ['password: token: abc', REDACTED],
    ['token: Bearer abc', REDACTED],
    [`curl -H 'Authorization: Bearer ${'eyJ.'.repeat(9)}'`, `curl -H 'Authorization: ${REDACTED}'`],
  ])('%j', (text, redacted) => {
    expect(redactSecrets(text)).toEqual({ text: redacted, applied: true });
  });

  it.each([
    'sk-short',
    'a task-oriented-and-so-on-approach',
    'the password is long',
    'tokens are counted',
    'bearer of news',
    'secret:',
    '',
  ])('%j is left alone', (text) => {
    expect(redactSecrets(text)).toEqual({ text, applied: false });
  });

  it('lets no key through, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(redactSecrets(`${before}${KEY}${after}`).text).not.toContain(KEY);
      }),
    );
  });

  it('lets no value of a member of JSON through, however often that is a string again', () => {
    const mark = 'HUNTER2';
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(3), (before, after, depth) => {
        let text = JSON.stringify({ x: 1, password: `${before}${mark}${after}` }, null, depth);
        for (let level = 0; level < depth; level++) text = JSON.stringify(text);
        expect(redactSecrets(text).text).not.toContain(mark);
      }),
    );
  });

  it('changes nothing more when it is done twice', () => {
    const piece = fc.constantFrom(
      'token',
      ':',
      '=',
      '"',
      "'",
      '\\',
      ' ',
      'sk-',
      'abcdefghijk',
      KEY,
      'bearer',
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (text) => {
          const once = redactSecrets(text).text;
          expect(redactSecrets(once).text).toBe(once);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes little time for a long text', () => {
    const start = performance.now();
    redactSecrets('token '.repeat(200_000));
    redactSecrets(`sk-${'-'.repeat(1_000_000)}`);
    redactSecrets(`password${' '.repeat(100_000)}x`);
    redactSecrets('task-'.repeat(200_000));
    redactSecrets('token:'.repeat(200_000));
    redactSecrets('token: "'.repeat(200_000));
    for (const sign of ['*', '\\', '_', '"', ':', ' ', ':_', '\\"'])
      redactSecrets(`token${sign.repeat(100_000)}`);
    redactSecrets(`bearer${' '.repeat(100_000)}`.repeat(3));
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
