import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';

/** Serves the probe workflows: `node main.ts <address> <namespace> <task queue>`. A process of its own, as Jest's modules and the SDK's do not mix. */
const [address = '', namespace = '', taskQueue = ''] = process.argv.slice(2);
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
});
await worker.run();
await connection.close();
