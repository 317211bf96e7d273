import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { ROOT, type Output } from './outputs.ts';

/** All workflows in one file, because bundling them at the start of a worker costs seconds and 150 MB. */
export const workflowsOutput: Output = {
  name: 'workflow bundle',
  file: 'dist/workflows.cjs',
  sources: ['workflows', 'contracts', 'package-lock.json', 'scripts/build/workflows.ts'],
  build: async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(ROOT, 'workflows/index.ts'),
      workflowInterceptorModules: [join(ROOT, 'workflows/trace.ts')],
      logger: new DefaultLogger('WARN'),
    });
    return code;
  },
};
