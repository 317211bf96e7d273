import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../engines/files.ts';
import { SetupError, type Talk } from '../engines/talk.ts';

/** What the supervisor gets beside everything else, as `./dev up` agrees on it and reads of it: files in a folder of the state. */
export class BackgroundWork {
  readonly #consent: string;
  readonly #progress: string;
  readonly #failure: string;

  constructor(folder: string) {
    this.#consent = join(folder, 'consent');
    this.#progress = join(folder, 'progress');
    this.#failure = join(folder, 'failure');
  }

  /** Asks whoever is at the terminal, and remembers the answer for the supervisor. */
  async agree(question: string, parts: readonly string[], talk: Talk): Promise<void> {
    const agreed = await talk.agree(`${question} In the background: ${parts.join(' and ')}?`);
    if (agreed) talk.say(`In the background: ${parts.join(' and ')}`);
    await writeFileAtomically(this.#consent, agreed ? 'yes' : 'no');
  }

  /** @throws SetupError when whoever was asked said no */
  async requireConsent(refused: string): Promise<void> {
    const consent = await readFile(this.#consent, 'utf8').catch(() => 'yes');
    if (consent === 'no') throw new SetupError(refused);
  }

  /** Does it. Never rejects: what went wrong is written down for whoever waits, and told with these words before it. */
  async run(
    work: (say: (what: string) => Promise<void>) => Promise<void>,
    talk: Talk,
    without: string,
  ): Promise<void> {
    try {
      await rm(this.#failure, { force: true });
      await work((what) => writeFileAtomically(this.#progress, what));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      talk.say(`${without}: ${why}`);
      await writeFileAtomically(this.#failure, why).catch(() => undefined);
    } finally {
      await rm(this.#progress, { force: true });
    }
  }

  /** What is done at this moment, if anything. */
  async progress(): Promise<string | undefined> {
    return readFile(this.#progress, 'utf8').catch(() => undefined);
  }

  /** Why there will be nothing, when that is known. */
  async failure(): Promise<string | undefined> {
    return readFile(this.#failure, 'utf8').catch(() => undefined);
  }
}
