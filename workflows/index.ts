export { nodeWorkflow } from './node/workflow.ts';
export { pmModelWorkflow } from './pm-model/workflow.ts';
export { taskWorkflow } from './task/workflow.ts';
export { chatTurnWorkflow } from './turn/workflow.ts';
