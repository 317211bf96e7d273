import closeWithGrace from 'close-with-grace';
import type { Logger } from './logger.ts';

/** A running part of a process. Disposing stops taking work, finishes or hands back what it holds, and closes. */
export interface Role extends AsyncDisposable {
  readonly name: string;
  /** Rejects when the role can no longer do its work; never resolves. */
  readonly failed: Promise<never>;
}

const CLOSE_GRACE_MS = 30_000;

/** Keeps the roles until SIGINT, SIGTERM, a fatal error or the failure of one; then ends them in reverse order. */
export function serveUntilSignal(roles: readonly Role[], logger: Logger): void {
  const closing = closeWithGrace({ delay: CLOSE_GRACE_MS, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'fatal error, closing');
    else logger.info({ signal }, 'closing');
    for (const role of roles.toReversed()) {
      await role[Symbol.asyncDispose]();
      logger.info({ closed: role.name }, 'role closed');
    }
    if (err !== undefined) process.exitCode = 1;
  });
  for (const role of roles) {
    role.failed.catch((error: unknown) => {
      logger.fatal({ err: error, failed: role.name }, 'role failed');
      process.exitCode = 1;
      closing.close();
    });
  }
}

/** For roles that cannot fail by themselves. */
export function neverFails(): Promise<never> {
  return new Promise<never>(() => undefined);
}
