import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WorkflowNotFoundError } from '@temporalio/client';
import { callTemporal, ignoreEnded } from '../../../../platform/temporal/calls.ts';
import { connectTemporal } from '../../../../platform/temporal/client.ts';
import type { TemporalConnection } from '../../../../platform/temporal/client.ts';
import { createNodeWorkflows } from '../../../../platform/temporal/nodes.ts';
import { createTaskWorkflows } from '../../../../platform/temporal/tasks.ts';
import { portOf } from '../port-of.ts';

const UNAVAILABLE = { code: 'unavailable', message: 'Temporal does not answer; try again shortly' };
const task = {
  taskId: '1',
  name: 'a',
  userHandle: 'ada',
  projectSlug: 'p',
  inputMode: 'script',
  first: [],
} as const;

/** A port that takes connections and never says anything. */
const sockets = new Set<Socket>();
const silent = createServer((socket) => sockets.add(socket));
let connections: readonly TemporalConnection[];

beforeAll(async () => {
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const refusingPort = portOf(closed);
  await new Promise((resolve) => closed.close(resolve));
  connections = await Promise.all(
    [refusingPort, portOf(silent)].map((port) =>
      connectTemporal({ address: `127.0.0.1:${port}`, namespace: 'test', tls: false }),
    ),
  );
});
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()));
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

describe('calls to a Temporal that is away', () => {
  it('fail as unavailable within seconds, whichever call and however it is away', async () => {
    const start = performance.now();
    const calls = connections.flatMap(({ client }) => {
      const [tasks, nodes] = [createTaskWorkflows(client), createNodeWorkflows(client)];
      return [
        tasks.start(task),
        tasks.cancel('1'),
        tasks.signalCapacity('1'),
        nodes.registered('node-01', 1),
        nodes.configChanged('node-01', 'v'),
      ];
    });
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: UNAVAILABLE });
    }
    expect(performance.now() - start).toBeLessThan(15_000);
  }, 30_000);

  it('fail as unavailable when the SDK goes on trying beyond their time', async () => {
    const [connection] = connections;
    if (connection === undefined) throw new Error('no connection');
    const start = performance.now();
    const never = callTemporal(connection.client, () => new Promise(() => undefined));
    await expect(never).rejects.toMatchObject(UNAVAILABLE);
    expect(performance.now() - start).toBeLessThan(8_000);
  }, 30_000);
});

describe('a call whose target has ended', () => {
  it('is done', async () => {
    await expect(
      ignoreEnded(Promise.reject(new WorkflowNotFoundError('gone', '1', undefined))),
    ).resolves.toBeUndefined();
  });

  it('is no excuse for any other failure', async () => {
    await expect(ignoreEnded(Promise.reject(new Error('else')))).rejects.toThrow('else');
  });
});
