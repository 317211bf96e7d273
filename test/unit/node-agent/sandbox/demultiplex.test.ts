import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createDemultiplexer } from '../../../../node-agent/sandbox/demultiplex.ts';

interface Frame {
  readonly stream: 1 | 2;
  readonly payload: Uint8Array;
}

function encode(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.map(({ stream, payload }) => {
      const header = Buffer.alloc(8);
      header[0] = stream;
      header.writeUInt32BE(payload.length, 4);
      return Buffer.concat([header, payload]);
    }),
  );
}

const frame: fc.Arbitrary<Frame> = fc.record({
  stream: fc.constantFrom(1 as const, 2 as const),
  payload: fc.uint8Array({ maxLength: 40 }),
});

describe('the demultiplexer of attach streams', () => {
  it('gives each stream its bytes in order, wherever the network cuts', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 12 }),
        fc.integer({ min: 1, max: 13 }),
        (frames, chunkSize) => {
          const seen = { 1: [] as Buffer[], 2: [] as Buffer[] };
          const feed = createDemultiplexer({
            stdout: (chunk) => seen[1].push(Buffer.from(chunk)),
            stderr: (chunk) => seen[2].push(Buffer.from(chunk)),
          });
          const bytes = encode(frames);
          for (let at = 0; at < bytes.length; at += chunkSize) feed(bytes.subarray(at, at + chunkSize));
          for (const stream of [1, 2] as const) {
            const sent = frames.filter((one) => one.stream === stream).map((one) => one.payload);
            expect(Buffer.concat(seen[stream])).toEqual(Buffer.concat(sent));
          }
        },
      ),
    );
  });
});
