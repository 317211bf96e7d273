import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { findFreePort, findFreePorts, findPortOwner, isPortBusy } from '../../../../scripts/engines/ports.ts';

describe('ports', () => {
  const servers: Server[] = [];

  const listen = async (host: string): Promise<number> => {
    const port = await findFreePort();
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    return port;
  };

  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });

  it('finds a port that nobody has', async () => {
    expect(await isPortBusy(await findFreePort())).toBe(false);
  });

  it('gives each port once, and none that the system hands out for outgoing connections', async () => {
    const found = [await findFreePort(), ...(await findFreePorts(20)), await findFreePort()];
    expect(new Set(found).size).toBe(found.length);
    expect(Math.max(...found)).toBeLessThan(32_768);
  });

  it.each(['127.0.0.1', '0.0.0.0'])('sees a listener on %s and names its process', async (host) => {
    const port = await listen(host);
    expect(await isPortBusy(port)).toBe(true);
    if (process.platform === 'linux')
      expect(await findPortOwner(port)).toContain(`pid ${String(process.pid)}`);
  });
});
