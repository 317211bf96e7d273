import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { findFreePort } from '../../scripts/engines/ports.ts';

/** A TCP proxy on loopback that a test can cut: connections break and new ones are refused until it is mended. */
export interface CuttableProxy extends AsyncDisposable {
  readonly address: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function startCuttableProxy(target: string): Promise<CuttableProxy> {
  const [host = '127.0.0.1', port = '0'] = target.split(':');
  const listenPort = await findFreePort();
  const sockets = new Set<Socket>();
  let server: Server | undefined;

  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const mend = async (): Promise<void> => {
    server = createServer((incoming) => {
      const outgoing = createConnection({ host, port: Number(port) });
      track(incoming);
      track(outgoing);
      incoming.pipe(outgoing).pipe(incoming);
      incoming.on('close', () => outgoing.destroy());
      outgoing.on('close', () => incoming.destroy());
    });
    server.listen(listenPort, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    const closed = once(closing, 'close');
    closing.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await mend();
  return { address: `127.0.0.1:${listenPort}`, cut, mend, [Symbol.asyncDispose]: cut };
}
