import { createServer } from 'node:net';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import { request } from 'undici';
import type { Logger } from '../logger.ts';
import { addMetricsSource } from '../metrics.ts';
import type { Registry } from '../metrics.ts';

const SCRAPE_TIMEOUT_MS = 2_000;

let installed: Promise<string> | undefined;
const shownIn = new WeakSet<Registry>();

/**
 * Temporal's runtime, once per process: signals are ours to handle, its log lines go to our log, its metrics
 * (`temporal_…`) to `registry`. The runtime can only serve them itself, so it does on loopback and we fetch them.
 */
export async function installTemporalRuntime(logger: Logger, registry: Registry): Promise<void> {
  installed ??= install(logger);
  const address = await installed;
  if (shownIn.has(registry)) return;
  shownIn.add(registry);
  addMetricsSource(registry, () => scrape(address));
}

async function install(logger: Logger): Promise<string> {
  const address = `127.0.0.1:${await findFreePort()}`;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      logger[toPinoLevel(level)]({ temporal: meta }, message);
    }),
    telemetryOptions: {
      metrics: {
        prometheus: {
          bindAddress: address,
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
        },
      },
    },
  });
  return address;
}

async function scrape(address: string): Promise<string> {
  const { body } = await request(`http://${address}/metrics`, {
    signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS),
  });
  return body.text();
}

function findFreePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return promise;
}

function toPinoLevel(level: LogLevel): 'trace' | 'debug' | 'info' | 'warn' | 'error' {
  switch (level) {
    case 'TRACE':
      return 'trace';
    case 'DEBUG':
      return 'debug';
    case 'INFO':
      return 'info';
    case 'WARN':
      return 'warn';
    case 'ERROR':
      return 'error';
  }
}
