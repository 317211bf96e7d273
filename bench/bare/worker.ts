import { NativeConnection, Worker } from '@temporalio/worker';

const [address = '', namespace = '', codePath = '', taskQueue = ''] = process.argv.slice(2);

const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowBundle: { codePath },
  activities: { noop: async () => undefined },
});
await worker.run();
await connection.close();
