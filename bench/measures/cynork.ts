import { join } from 'node:path';
import { execa } from 'execa';
import { interleave, timesOf } from '../interleave.ts';
import { compared, type Row } from '../report/result.ts';
import type { BenchContext } from './context.ts';

const STARTS_A_ROUND = 3;

/** From the shell's point of view, beside Node that does nothing. */
export async function measureCynork({ rig, rounds }: BenchContext): Promise<readonly Row[]> {
  const person = await (await rig.noop('several')).stack.admin();
  const env = { NODE_COMPILE_CACHE: join(rig.run.path, 'compiled') }; // as bin/cynork has it
  const run = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await person.run(args, { env });
    if (code !== 0) throw new Error(`cynork ${args.join(' ')}: ${stderr}`);
  };
  const [version, list, node] = await interleave(rounds, [
    { name: 'cynork --version', sample: () => timesOf(STARTS_A_ROUND, () => run('--version')) },
    { name: 'cynork task list', sample: () => timesOf(STARTS_A_ROUND, () => run('task', 'list')) },
    {
      name: 'node -e 0',
      sample: () => timesOf(STARTS_A_ROUND, () => execa(process.execPath, ['-e', '0'])),
    },
  ]);
  if (version === undefined || list === undefined || node === undefined) return [];
  const head = { section: 'cynork', unit: 'ms' } as const;
  return [
    compared({ ...head, what: 'start of cynork' }, version, node),
    compared({ ...head, what: 'a command against the gateway' }, list, node),
  ];
}
