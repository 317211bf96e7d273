import { buildIfStale } from './build/outputs.ts';
import { workflowsOutput } from './build/workflows.ts';

await buildIfStale(workflowsOutput);
