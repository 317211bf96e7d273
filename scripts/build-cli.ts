import { cliOutput } from './build/cli.ts';
import { buildIfStale } from './build/outputs.ts';

await buildIfStale(cliOutput);
