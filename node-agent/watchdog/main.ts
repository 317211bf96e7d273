import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { bootId, bootTimeMs, sleep } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
// Not all of the sandbox: this process is to stay small.
import { createDockerEngine } from '../sandbox/docker-engine.ts';
import { sidecarOf } from '../sandbox/names.ts';
import { readLeases } from './lease-files.ts';
import { parseSettings } from './settings.ts';
import { LOOK_MS, Watchdog } from './watchdog.ts';

/**
 * The watchdog's process. It lives as long as its agent, whose end it learns by the end of its standard input, and after
 * that until no lease is left to watch. Its file 3 tells the agent that it looks.
 */
const settings = parseSettings(process.argv[2] ?? '');
const logger = createLogger({ role: 'watchdog', level: settings.logLevel }).child({ node: settings.node });
const engine = createDockerEngine(settings.dockerHost);
const watchdog = new Watchdog({
  readLeases: () => readLeases(settings.folder),
  removeContainer: async (name) => {
    const removals = await Promise.all([engine.remove(name), engine.remove(sidecarOf(name))]);
    return removals.includes('busy') ? 'busy' : 'gone';
  },
  removeFile: (path) => rm(path, { force: true }),
  nowMs: bootTimeMs,
  boot: bootId(),
  run: settings.run,
  logger,
});

const agentGone = new AbortController();
for (const event of ['end', 'error', 'close']) {
  process.stdin.on(event, () => {
    watchdog.agentIsGone();
    agentGone.abort();
  });
}
process.stdin.resume();

const pulse = new Socket({ fd: 3, readable: false, writable: true }).on('error', () => undefined);

let awake = agentGone.signal;
while (await watchdog.look()) {
  // The agent takes one that is silent for hung. What a stopped agent does not read is not piled up.
  if (!agentGone.signal.aborted && pulse.writableLength === 0) pulse.write('.');
  await sleep(LOOK_MS, awake);
  // The end of the agent wakes it once.
  if (awake.aborted) awake = new AbortController().signal;
}
logger.debug('the agent has ended and no lease is left');
process.exit(0);
