import { SetupError, type Talk } from '../engines/talk.ts';
import { readSettings } from './settings.ts';
import { readSecrets } from './state-folder.ts';
import { Supervisor } from './supervisor.ts';

/** The supervisor's process. `./dev up` starts it, detached; its output is the log of the role `supervisor`. */
const talk: Talk = {
  say: (line) => console.log(`${new Date().toISOString()} ${line}`),
  agree: async () => true,
};

const settings = readSettings(process.env);
const supervisor = new Supervisor(settings, await readSecrets(settings), talk);

let stopping: Promise<void> | undefined;
const stop = (): Promise<void> => (stopping ??= supervisor.stop());

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => void stop());
}

try {
  await supervisor.start();
} catch (error) {
  talk.say(
    error instanceof SetupError ? error.message : String(error instanceof Error ? error.stack : error),
  );
  process.exitCode = 1;
  await stop();
}
