import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { ROOT, type Output } from './outputs.ts';

const WORKFLOWS = join(ROOT, 'workflows/index.ts');
const TRACE = join(ROOT, 'workflows/trace.ts');

/** All workflows in one file, because bundling them at the start of a worker costs seconds and 150 MB. */
export const workflowsOutput: Output = {
  name: 'workflow bundle',
  file: 'dist/workflows.cjs',
  sources: ['workflows', 'contracts', 'package-lock.json', 'scripts/build/workflows.ts'],
  build: async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: WORKFLOWS,
      workflowInterceptorModules: [TRACE],
      // Evaluated once a worker and not once a workflow; allowed because no module there keeps anything (test/arch).
      preloadModules: [WORKFLOWS, TRACE],
      logger: new DefaultLogger('WARN'),
    });
    return code;
  },
};
