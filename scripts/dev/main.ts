import { Command } from '@commander-js/extra-typings';
import { usageLine } from '../../platform/usage-line.ts';
import { SetupError } from '../engines/talk.ts';
import { down, reset } from './down.ts';
import { printLogs } from './logs.ts';
import { readSettings } from './settings.ts';
import { printStatus } from './status.ts';
import { settingsOfRunningStack } from './supervisor-state.ts';
import { runTests } from './test.ts';
import { up } from './up.ts';

const program = new Command('./dev')
  .description('Sets CyNodeAI up on this machine, runs it and tests it.')
  .configureOutput({ outputError: (text, write) => write(usageLine('./dev', text)) })
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
  .command('up')
  .description('set up what is missing, start everything, run a first task')
  .option('-d, --detach', 'do not run the first task', false)
  .option('-y, --yes', 'install what is missing without asking', false)
  .option('--pg-temporal', 'Temporal on Postgres, from now on; its server is built where it is missing')
  .option('--no-pg-temporal', "Temporal's development server on a database file, from now on")
  .action((options) => up(readSettings(process.env), options));

program
  .command('down')
  .description('stop everything, keep the data')
  .action(() => down(readSettings(process.env)));

program
  .command('reset')
  .description('stop everything and remove all data')
  .option('-y, --yes', 'do not ask', false)
  .action(async (options) => reset(await settingsOfRunningStack(readSettings(process.env)), options));

program
  .command('status')
  .description('show what runs; the exit code is 0 when all is well')
  .action(async () => {
    process.exitCode = await printStatus(await settingsOfRunningStack(readSettings(process.env)));
  });

program
  .command('logs')
  .description('show the logs')
  .argument(
    '[role]',
    'supervisor, postgres, temporal, orchestrator or node-agent; all of them when none is named',
  )
  .option('-f, --follow', 'go on printing what is added', false)
  .action((role, options) => printLogs(readSettings(process.env), role, options.follow));

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
