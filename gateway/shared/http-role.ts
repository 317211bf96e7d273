import { neverFails } from '../../platform/lifecycle.ts';
import type { Role } from '../../platform/lifecycle.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { ListenAddress } from '../../platform/config/readers.ts';

/**
 * Listens and becomes a role. Disposing it answers what is in hand, closes the server and then disposes `resources`,
 * last one first; the same happens when it cannot listen.
 */
export async function listenAsRole(options: {
  readonly name: string;
  readonly app: HttpApp;
  readonly address: ListenAddress;
  readonly resources: AsyncDisposableStack;
}): Promise<Role> {
  const { app, resources } = options;
  resources.defer(() => app.close());
  try {
    await app.listen(options.address);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
  app.log.info({ ...options.address }, 'listening');
  return {
    name: options.name,
    failed: neverFails(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
