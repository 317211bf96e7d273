import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { buildIfStale } from '../../scripts/build/outputs.ts';
import { workflowsOutput } from '../../scripts/build/workflows.ts';
import { publishTestSetting } from '../support/engines/environment.ts';
import { runAndRelease } from '../support/engines/releases.ts';
import { markdownOf } from './markdown.ts';
import { formatReport } from './report.ts';
import { runFaults } from './run.ts';

const USAGE = `npm run faults -- [--faults N] [--seed S] [--minutes M] [--in-flight N] [--dockerd] [--temporal-server KIND] [--report FILE]
  --faults N     how many faults to inject (50)
  --seed S       repeats a schedule and a load (chosen by the time)
  --minutes M    inject no more after that many (60)
  --in-flight N  tasks at once (12)
  --at-once N    causes that may overlap (2); recoveries always may
  --gap S        least seconds between two injections; up to 4 more are added (2)
  --dockerd      also restart a Docker daemon of its own, used by the second node; needs root
  --temporal-server KIND  file: the development server (usual); postgres: the server on the same Postgres
  --logs FOLDER  keep the journals, everybody's logs and time lines of the slowest recoveries there
  --report FILE  write the report there as JSON, and beside it as Markdown (.md)

Examples:
  npm run faults -- --faults 10 --dockerd                                        a minute, to see that it works
  npm run faults -- --faults 300 --seed 2026 --dockerd --report faults.json      some 25 minutes
  npm run faults -- --faults 50 --at-once 1 --gap 12 --in-flight 8 --dockerd     one cause at a time`;

const optionsSchema = z.object({
  faults: z.coerce.number().int().min(1).max(100_000).default(50),
  seed: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  minutes: z.coerce.number().positive().default(60),
  'in-flight': z.coerce.number().int().min(1).max(50).default(12),
  'at-once': z.coerce.number().int().min(1).max(5).default(2),
  gap: z.coerce.number().min(0).max(600).default(2),
  dockerd: z.boolean().default(false),
  'temporal-server': z.enum(['file', 'postgres']).optional(),
  logs: z.string().optional(),
  report: z.string().optional(),
  help: z.boolean().default(false),
});

function readOptions(): z.infer<typeof optionsSchema> | null {
  try {
    const { values } = parseArgs({
      options: {
        faults: { type: 'string' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        'in-flight': { type: 'string' },
        'at-once': { type: 'string' },
        gap: { type: 'string' },
        dockerd: { type: 'boolean' },
        'temporal-server': { type: 'string' },
        logs: { type: 'string' },
        report: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    return optionsSchema.parse(values);
  } catch (error) {
    console.error(error instanceof z.ZodError ? z.prettifyError(error) : String(error));
    console.error(USAGE);
    return null;
  }
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 2;
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const server = options['temporal-server'];
  if (server !== undefined) publishTestSetting('temporalKind', server);
  await buildIfStale(workflowsOutput);
  const report = await runFaults({
    faults: options.faults,
    seed: options.seed ?? Date.now() % 1_000_000,
    maxMinutes: options.minutes,
    inFlight: options['in-flight'],
    atOnce: options['at-once'],
    gapMs: options.gap * 1_000,
    ownDockerd: options.dockerd,
    logsFolder: options.logs,
    say: (line) => console.error(line),
  });
  if (options.report !== undefined) {
    await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
    await writeFile(`${options.report.replace(/\.json$/, '')}.md`, `${markdownOf(report)}\n`);
  }
  console.log(formatReport(report));
  return report.violations.length === 0 ? 0 : 1;
}

await runAndRelease(main, (error) => console.error(error));
