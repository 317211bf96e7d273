import { Client, Connection } from '@temporalio/client';
import { traceStarts } from './tracing.ts';

export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  readonly tls: boolean;
}

export interface TemporalConnection extends AsyncDisposable {
  readonly client: Client;
}

/** Connects on first use, so a process can start while Temporal is away; lost connections come back by themselves. */
export async function connectTemporal(target: TemporalTarget): Promise<TemporalConnection> {
  const connection = Connection.lazy({ address: target.address, tls: target.tls });
  return {
    client: new Client({
      connection,
      namespace: target.namespace,
      interceptors: { workflow: [traceStarts] },
    }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
