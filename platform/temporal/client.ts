import { Client, Connection } from '@temporalio/client';
import type { ConnectionLike } from '@temporalio/client';
import { traceStarts } from './tracing.ts';

export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  readonly tls: boolean;
}

export interface TemporalConnection extends AsyncDisposable {
  readonly client: Client;
}

/** What the roles of one process know of the orchestrator's worker among them. */
export interface LocalWorker {
  /**
   * On the worker's own connection while it polls, else null. Over it a start may be eager: the first workflow task comes
   * with its acknowledgement, and nobody has to fetch it (ADR 0018).
   */
  client: Client | null;
}

/** Connects on first use, so a process can start while Temporal is away; lost connections come back by themselves. */
export async function connectTemporal(target: TemporalTarget): Promise<TemporalConnection> {
  const connection = Connection.lazy({ address: target.address, tls: target.tls });
  return {
    client: createClient(connection, target),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

export function createClient(
  connection: ConnectionLike,
  { namespace }: Pick<TemporalTarget, 'namespace'>,
): Client {
  return new Client({ connection, namespace, interceptors: { workflow: [traceStarts] } });
}
