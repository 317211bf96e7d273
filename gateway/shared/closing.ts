import type { HttpApp } from '../../platform/http/server.ts';

/**
 * While the server closes, the replies to what is still in hand also end their connections: kept alive they would hold
 * the process for minutes. Call it before the routes' scopes are registered.
 */
export function endConnectionsOnClose(app: HttpApp): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) void reply.header('connection', 'close');
  });
}
