import type { DockerEngine } from '../engines/docker-api.ts';
import { sleep } from '../engines/processes.ts';
import { SANDBOX_BASE_IMAGE } from '../engines/sandbox-image.ts';
import type { Talk } from '../engines/talk.ts';
import {
  chooseSandboxImage,
  ensureToolsImage,
  hasToolsImage,
  needsToolsDownload,
} from '../engines/tools-image.ts';
import { BackgroundWork } from './background.ts';
import { pathsOf, type Settings } from './settings.ts';

const POLL_MS = 500;
const PATIENCE_MS = 15 * 60_000;

/** Whether jobs get this machine's own image; else the user has named another one. */
export function usesOwnSandboxImage(): boolean {
  return process.env['SANDBOX_DEFAULT_IMAGE'] === undefined;
}

/** Asks whoever is at the terminal before something is downloaded for it. */
export async function agreeOnToolsImage(settings: Settings, docker: DockerEngine, talk: Talk): Promise<void> {
  if (!usesOwnSandboxImage() || !(await needsToolsDownload(docker))) return;
  const parts = ['make an image with bash, curl, git, jq and Python (downloads about 60 MB)'];
  await workOf(settings).agree('The small image of jobs has BusyBox and nothing else.', parts, talk);
}

/** Makes the image, beside everything else; jobs get it from then on, without a restart. Never rejects. */
export async function obtainToolsImage(docker: DockerEngine, settings: Settings, talk: Talk): Promise<void> {
  if (!usesOwnSandboxImage()) return;
  const work = async (say: (what: string) => Promise<void>): Promise<void> => {
    if (await needsToolsDownload(docker)) await workOf(settings).requireConsent('it was refused');
    await say('making the image');
    await ensureToolsImage(docker, talk);
    await chooseSandboxImage(docker);
  };
  await workOf(settings).run(work, talk, `Jobs go on with ${SANDBOX_BASE_IMAGE}`);
}

/** Waits until jobs have tools, and tells how that ended. */
export async function waitForTools(settings: Settings, docker: DockerEngine): Promise<string> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const isMaking = (await workOf(settings).progress()) !== undefined;
    if (!isMaking && (await hasToolsImage(docker))) return 'Jobs have bash, curl, git, jq and Python';
    const failure = await workOf(settings).failure();
    if (failure !== undefined) return `Jobs have BusyBox only: ${failure}`;
    await sleep(POLL_MS);
  }
  return 'Jobs have BusyBox only, as yet';
}

function workOf(settings: Settings): BackgroundWork {
  return new BackgroundWork(pathsOf(settings).toolsImage);
}
