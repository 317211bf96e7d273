import { availableParallelism, totalmem } from 'node:os';
import { readNodeAgentConfig } from '../../node-agent/config/read-config.ts';
import { runNodeAgent } from '../../node-agent/role.ts';
import { serveUntilSignal } from '../../platform/lifecycle.ts';
import { createLogger } from '../../platform/logger.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { createNoopEngine } from './engine.ts';

/** The node agent as it is, but for the engine. Only the benchmark starts it. */
const host = { cpuCores: availableParallelism(), ramBytes: totalmem() };
const logger = createLogger({ role: 'node-agent' });
const config = readNodeAgentConfig(process.env, { host });
const serving = serveUntilSignal(logger);
serving.add(await runNodeAgent(config, logger, createMetrics(), createNoopEngine));
