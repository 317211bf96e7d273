export { nodeWorkflow } from './node/workflow.ts';
export { taskWorkflow } from './task/workflow.ts';
export { chatTurnWorkflow } from './turn/workflow.ts';
