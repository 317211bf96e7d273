import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { runAndRelease } from '../test/support/engines/releases.ts';
import { readOptions, USAGE, type BenchOptions } from './options.ts';
import { replaceTables } from './report/markdown.ts';
import type { BenchResult } from './report/result.ts';
import { formatText } from './report/text.ts';
import { BusyError, runBench } from './run.ts';

async function main(): Promise<number> {
  const options = readOrExplain();
  if (options === null) return 2;
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const result = await resultOf(options);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (options.markdown !== undefined) {
    await writeFile(options.markdown, replaceTables(await readFile(options.markdown, 'utf8'), result));
  }
  console.log(formatText(result));
  return 0;
}

function readOrExplain(): BenchOptions | null {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof z.ZodError ? z.prettifyError(error) : String(error));
    console.error(USAGE);
    return null;
  }
}

async function resultOf(options: BenchOptions): Promise<BenchResult> {
  if (options.from === undefined) return runBench({ ...options, say: (line) => console.error(line) });
  // Written by `--json`.
  return JSON.parse(await readFile(options.from, 'utf8')) as BenchResult;
}

await runAndRelease(main, (error) => console.error(error instanceof BusyError ? error.message : error));
