export interface OutputSinks {
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr: (chunk: Buffer) => void;
}

const HEADER_BYTES = 8;
const STREAM_STDERR = 2;

/**
 * Splits Docker's attach stream into its two streams: frames of one byte for the stream, three unused ones, the length
 * as a 32-bit big-endian number, and the payload. Payload passes through as it comes; only headers are collected.
 */
export function createDemultiplexer(sinks: OutputSinks): (chunk: Buffer) => void {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerFilled = 0;
  let payloadLeft = 0;
  let sink = sinks.stdout;

  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (payloadLeft > 0) {
        const part = rest.subarray(0, payloadLeft);
        sink(part);
        payloadLeft -= part.length;
        rest = rest.subarray(part.length);
        continue;
      }
      const copied = rest.copy(header, headerFilled, 0, HEADER_BYTES - headerFilled);
      headerFilled += copied;
      rest = rest.subarray(copied);
      if (headerFilled < HEADER_BYTES) return;
      headerFilled = 0;
      payloadLeft = header.readUInt32BE(4);
      sink = header[0] === STREAM_STDERR ? sinks.stderr : sinks.stdout;
    }
  };
}
