import { parseArgs } from 'node:util';
import { z } from 'zod';
import { SECTIONS, type SectionName } from './report/result.ts';

export const USAGE = `npm run bench -- [--only part,part] [--rounds N] [--json FILE] [--markdown FILE] [--anyway] [--node-options=LIST]
  --only LIST      of ${SECTIONS.join(', ')}; all but start when absent
  --rounds N       how often the compared sides take turns (10)
  --json FILE      write the result there
  --markdown FILE  put the tables into a document, between its marks <!-- bench:begin --> and <!-- bench:end -->
  --from FILE      measure nothing: take a result that --json wrote
  --anyway         also on a machine that is busy with something else
  --node-options=LIST  of Node for the processes of the product, e.g. '--cpu-prof --cpu-prof-dir=profiles'

Examples:
  npm run bench                                                    all of it, in some eight minutes
  npm run bench -- --only noop,docker --rounds 4                   a quick look
  npm run bench -- --only start                                    how long ./dev up takes the second time
  npm run bench -- --json bench.json --markdown docs/performance.md
  npm run bench -- --from bench.json --markdown docs/performance.md

It starts engines of its own (Postgres, Temporal, containers), beside a stack that is up, and removes them.`;

const optionsSchema = z.object({
  only: z
    .string()
    .default(SECTIONS.filter((name) => name !== 'start').join())
    .transform((list) => list.split(','))
    .pipe(z.array(z.enum(SECTIONS))),
  rounds: z.coerce.number().int().min(1).max(1_000).default(10),
  json: z.string().optional(),
  markdown: z.string().optional(),
  from: z.string().optional(),
  anyway: z.boolean().default(false),
  nodeOptions: z.string().default(''),
  help: z.boolean().default(false),
});

export interface BenchOptions extends z.infer<typeof optionsSchema> {
  readonly only: SectionName[];
}

/** @throws z.ZodError, TypeError for what is no option */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      from: { type: 'string' },
      anyway: { type: 'boolean' },
      'node-options': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  return optionsSchema.parse({ ...values, nodeOptions: values['node-options'] });
}
