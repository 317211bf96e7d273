import { runStaticChecks } from './dev/checks.ts';

process.exitCode = (await runStaticChecks()) ? 0 : 1;
