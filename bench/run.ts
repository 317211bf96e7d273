import { buildIfStale } from '../scripts/build/outputs.ts';
import { cliOutput } from '../scripts/build/cli.ts';
import { workflowsOutput } from '../scripts/build/workflows.ts';
import { testSetting } from '../test/support/engines/environment.ts';
import { describeMachine, measureBusy } from './machine.ts';
import type { BenchContext } from './measures/context.ts';
import { measureCost } from './measures/cost.ts';
import { measureCynork } from './measures/cynork.ts';
import { measureDocker } from './measures/docker.ts';
import { measureGateway } from './measures/gateway.ts';
import { measureInference } from './measures/inference.ts';
import { measureMemory } from './measures/memory.ts';
import { measureNoop } from './measures/noop.ts';
import { measureStart } from './measures/start.ts';
import { measureThroughput } from './measures/throughput.ts';
import { measureWaterfall } from './measures/waterfall.ts';
import { SECTIONS, type BenchResult, type Row, type SectionName } from './report/result.ts';
import { Rig } from './rig/rig.ts';

const MEASURES: { readonly [S in SectionName]: (context: BenchContext) => Promise<readonly Row[]> } = {
  noop: measureNoop,
  throughput: measureThroughput,
  waterfall: measureWaterfall,
  cost: measureCost,
  docker: measureDocker,
  gateway: measureGateway,
  inference: measureInference,
  cynork: measureCynork,
  memory: measureMemory,
  start: measureStart,
};

/** More than this of the machine in use by others makes numbers worthless. */
const BUSY_REFUSED = 0.5;
const BUSY_WARNED = 0.15;

export interface RunOptions {
  readonly only: readonly SectionName[];
  readonly rounds: number;
  readonly anyway: boolean;
  /** For the processes of the product. */
  readonly nodeOptions: string;
  readonly say: (line: string) => void;
}

/** The machine does something else. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

/**
 * Measures the parts one after the other on engines of its own, which `releaseAll` gives back.
 * @throws BusyError
 */
export async function runBench(options: RunOptions): Promise<BenchResult> {
  const { only, rounds, anyway, say } = options;
  const busy = await measureBusy();
  const share = `${String(Math.round(busy * 100))} % of the processors are in use by others`;
  if (busy > BUSY_REFUSED && !anyway) {
    throw new BusyError(`${share}: wait until they are done, or measure all the same with --anyway`);
  }
  if (busy > BUSY_WARNED) say(`warning: ${share}; ratios may hold, absolute numbers do not`);
  for (const output of [workflowsOutput, cliOutput]) await buildIfStale(output);
  const startedAt = new Date().toISOString();
  say('engines: starting');
  const rig = await Rig.start(options);
  const engines = { temporalCli: testSetting('temporalCli'), dockerHost: testSetting('dockerHost') };
  const machine = await describeMachine(busy, engines);
  const rows: Row[] = [];
  for (const section of SECTIONS.filter((name) => only.includes(name))) {
    const startedMs = performance.now();
    rows.push(...(await MEASURES[section]({ rig, rounds, say })));
    say(`${section}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  }
  return { startedAt, machine, rows };
}
