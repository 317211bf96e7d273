import closeWithGrace from 'close-with-grace';
import type { Logger } from './logger.ts';

/** A running part of a process. Disposing stops taking work, finishes or hands back what it holds, and closes. */
export interface Role extends AsyncDisposable {
  readonly name: string;
  /** Rejects when the role can no longer do its work; never resolves. */
  readonly failed: Promise<never>;
}

const CLOSE_GRACE_MS = 30_000;

export interface Serving {
  /** Keeps it from now on. */
  add(role: Role): void;
}

/**
 * Keeps roles until SIGINT, SIGTERM, a fatal error or the failure of one; then ends them in reverse order. The process
 * exits with 0 after a signal, else with 1. To be called before the first role is started: a signal that comes
 * meanwhile ends those that are there, and the one that is being started with the process.
 */
export function serveUntilSignal(logger: Logger): Serving {
  const roles: Role[] = [];
  let failed = false;
  let closed: Promise<void> | undefined;
  const closing = closeWithGrace({ delay: CLOSE_GRACE_MS, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'fatal error, closing');
    else logger.info({ signal }, 'closing');
    closed ??= closeRoles(roles, logger);
    await closed;
    if (failed) throw new Error('a role failed'); // which makes the exit code 1
  });
  const watch = (role: Role): void => {
    role.failed.catch((error: unknown) => {
      logger.fatal({ err: error, failed: role.name }, 'role failed');
      failed = true;
      if (closed === undefined) closing.close();
    });
  };
  return {
    add: (role) => {
      roles.push(role);
      watch(role);
    },
  };
}

/** One that cannot be closed does not keep the others open. */
async function closeRoles(roles: readonly Role[], logger: Logger): Promise<void> {
  const errors: unknown[] = [];
  for (const role of roles.toReversed()) {
    try {
      await role[Symbol.asyncDispose]();
      logger.info({ closed: role.name }, 'role closed');
    } catch (error) {
      logger.error({ err: error, closed: role.name }, 'role could not be closed');
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'not every role could be closed');
}

/** For roles that cannot fail by themselves. */
export function neverFails(): Promise<never> {
  return new Promise<never>(() => undefined);
}
