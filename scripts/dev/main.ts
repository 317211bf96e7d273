import { Command } from '@commander-js/extra-typings';
import { SetupError } from '../engines/talk.ts';
import { runTests } from './test.ts';

const program = new Command('./dev')
  .description('Sets CyNodeAI up on this machine, runs it and tests it.')
  .showHelpAfterError()
  .addHelpText(
    'after',
    `
Examples:
  ./dev up                  start everything and run a first task
  ./dev logs node-agent -f  follow the log of a role
  ./dev test                run every suite
  ./dev test unit -- auth   run the unit tests whose path contains "auth"
  ./dev down                stop everything, keep the data`,
  );

program
  .command('test')
  .description(
    'run test suites: verify, unit, integration, replay, node, e2e (all of them when none is named)',
  )
  .argument('[suites...]', 'suites, and after -- arguments for Jest')
  .action(async (_suites, _options, command) => {
    const [suites, jestArgs] = splitAtDashes(command.args);
    process.exitCode = await runTests(suites, jestArgs);
  });

/** Commander drops the `--`, so what follows it is found in the command line itself. */
function splitAtDashes(args: string[]): [string[], string[]] {
  const dashes = process.argv.indexOf('--');
  const after = dashes === -1 ? [] : process.argv.slice(dashes + 1);
  return [args.slice(0, args.length - after.length), after];
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
