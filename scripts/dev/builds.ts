import { cliOutput } from '../build/cli.ts';
import { buildIfStale } from '../build/outputs.ts';
import { workflowsOutput } from '../build/workflows.ts';

/** Builds what runs from a bundle, where its sources have changed. Returns the names of what was built. */
export async function buildOutputs(): Promise<string[]> {
  const built: string[] = [];
  for (const output of [cliOutput, workflowsOutput]) {
    if (await buildIfStale(output)) built.push(output.name);
  }
  return built;
}
