const STILL_MS = 10_000;

/** Prints the steps of a set-up, each with the seconds it took. */
export interface Steps {
  /** Runs a step. Its line is printed when it is done: the text it returns, or its title. */
  run<T>(title: string, work: () => Promise<T>, done?: (result: T) => string): Promise<T>;
}

/** Steps on the terminal's stderr; one that takes long says every ten seconds that it goes on. */
export function terminalSteps(): Steps {
  return {
    run: async (title, work, done) => {
      const started = performance.now();
      const seconds = (): string => `${((performance.now() - started) / 1_000).toFixed(1)} s`;
      const still = setInterval(() => print(`  … ${title} (${seconds()} so far)`), STILL_MS);
      try {
        const result = await work();
        print(`  ✓ ${(done ? done(result) : title).padEnd(58)} ${seconds().padStart(7)}`);
        return result;
      } catch (error) {
        print(`  ✗ ${title.padEnd(58)} ${seconds().padStart(7)}`);
        throw error;
      } finally {
        clearInterval(still);
      }
    },
  };
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
