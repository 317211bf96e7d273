import { SetupError } from '../engines/talk.ts';
import { buildOutputs } from './builds.ts';
import { runStaticChecks } from './checks.ts';
import { hasTests, runSuite, SUITE_NAMES, type SuiteName, type SuiteResult } from './suites.ts';

const VERIFY = 'verify';

type Choice = typeof VERIFY | SuiteName;

const CHOICES: Choice[] = [VERIFY, ...SUITE_NAMES];

/**
 * Runs the named suites, or all of them, and goes on after failures. The last line it prints is
 * `N passed, N failed`; the static checks count as one test. Returns the exit code.
 */
export async function runTests(names: string[], jestArgs: string[]): Promise<number> {
  const choices = names.length === 0 ? CHOICES : names.map(parseChoice);
  await buildOutputs();
  const results: [Choice, SuiteResult][] = [];
  for (const choice of choices) {
    const result = await runChoice(choice, jestArgs);
    if (result) results.push([choice, result]);
  }
  return summarise(results);
}

function parseChoice(name: string): Choice {
  const choice = CHOICES.find((known) => known === name);
  if (choice === undefined)
    throw new SetupError(`There is no suite "${name}". Suites: ${CHOICES.join(', ')}.`);
  return choice;
}

async function runChoice(choice: Choice, jestArgs: string[]): Promise<SuiteResult | undefined> {
  console.log(`\n=== ${choice}`);
  if (choice !== VERIFY) {
    if (await hasTests(choice)) return runSuite(choice, jestArgs);
    console.log(`The suite ${choice} has no tests yet: nothing was run.`);
    return undefined;
  }
  const started = performance.now();
  const ok = await runStaticChecks();
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, seconds: (performance.now() - started) / 1_000 };
}

function summarise(results: [Choice, SuiteResult][]): number {
  console.log('\n=== summary');
  for (const [choice, { passed, failed, seconds }] of results) {
    const counts = `${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed`;
    console.log(`${choice.padEnd(12)}${counts} ${seconds.toFixed(0).padStart(5)} s`);
  }
  const total = (key: 'passed' | 'failed'): number =>
    results.reduce((sum, [, result]) => sum + result[key], 0);
  console.log(`\n${String(total('passed'))} passed, ${String(total('failed'))} failed`);
  return total('failed') === 0 && results.length > 0 ? 0 : 1;
}
