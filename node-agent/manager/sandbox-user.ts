import type { SandboxUser } from '../sandbox/index.ts';

const JOB_USER: SandboxUser = { uid: 1000, gid: 1000 };

/**
 * Who jobs run as. An agent that is not root cannot give files away, so its jobs share its own, unprivileged user; never
 * its group, which may be the one that opens the Docker socket.
 */
export function sandboxUser(): SandboxUser {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? JOB_USER : { uid, gid: JOB_USER.gid };
}
