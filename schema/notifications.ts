import pg from 'pg';
import { sleep } from '../platform/clock.ts';

export interface ListenOptions {
  readonly url: string;
  readonly channel: string;
  readonly onPayload: (payload: string) => void;
  /** Called after each (re)connection: what was notified in between has been missed. */
  readonly onConnected: () => void;
  readonly onLost: (error: unknown) => void;
}

const RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;

/** Listens to a channel of Postgres on a connection of its own, which is made again whenever it is lost. */
export function listenTo(options: ListenOptions): AsyncDisposable {
  const closing = new AbortController();
  const running = keepListening(options, closing.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await running;
    },
  };
}

async function keepListening(options: ListenOptions, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    try {
      await listenOnce(options, closing);
    } catch (error) {
      if (!closing.aborted) options.onLost(error);
    }
    await sleep(RECONNECT_MS, closing);
  }
}

/** Returns when closing; rejects when the connection is lost or cannot be had. */
async function listenOnce(options: ListenOptions, closing: AbortSignal): Promise<void> {
  const client = new pg.Client({
    connectionString: options.url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'cynodeai-listen',
    keepAlive: true,
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  ended.catch(() => undefined); // it may fail before anybody waits for it
  const close = (): void => resolve();
  client.on('error', reject);
  client.on('end', () => reject(new Error('the connection was closed')));
  client.on('notification', ({ payload }) => options.onPayload(payload ?? ''));
  closing.addEventListener('abort', close, { once: true });
  try {
    await client.connect();
    await client.query(`listen ${pg.escapeIdentifier(options.channel)}`);
    options.onConnected();
    if (!closing.aborted) await ended;
  } finally {
    closing.removeEventListener('abort', close);
    await Promise.race([client.end().catch(() => undefined), sleep(CLOSE_TIMEOUT_MS)]);
  }
}
