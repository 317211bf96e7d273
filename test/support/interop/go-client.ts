import { request } from 'node:http';

/** A reply down to the bytes that upstream's programs look at. */
export interface GoReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  readonly json: () => unknown;
}

export interface GoRequest {
  readonly method: string;
  readonly url: string;
  readonly body?: unknown;
  /** The whole header, so that its form can be varied. */
  readonly authorization?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without a length, as Go sends a body of unknown size. */
  readonly chunked?: boolean;
}

/** A request as Go's HTTP client sends it: its own headers, compact JSON with an end of line, over a real socket. */
export function asGo(options: GoRequest): Promise<GoReply> {
  const body = bodyOf(options.body);
  return new Promise((resolve, reject) => {
    const outgoing = request(options.url, {
      method: options.method,
      headers: {
        'user-agent': 'Go-http-client/1.1',
        'accept-encoding': 'gzip',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(body === undefined || options.chunked === true
          ? {}
          : { 'content-length': String(Buffer.byteLength(body)) }),
        ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
        ...options.headers,
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: incoming.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(incoming.headers).map(([name, value]) => [name, value?.toString()]),
          ),
          text,
          json: (): unknown => JSON.parse(text),
        });
      });
    });
    outgoing.end(body);
  });
}

function bodyOf(body: unknown): string | undefined {
  if (body === undefined) return undefined;
  return typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
}
