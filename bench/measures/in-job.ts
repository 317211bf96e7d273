import { execa } from 'execa';
import { z } from 'zod';
import { TINY_MODEL } from '../../scripts/engines/tiny-model.ts';
import { openModelSandbox } from '../../test/node/model-sandbox.ts';
import { testSetting } from '../../test/support/engines/environment.ts';
import { prepareTestToolsImage } from '../../test/support/engines/tools-image.ts';
import { interleave, type Side } from '../interleave.ts';
import { compared, single, type Row } from '../report/result.ts';
import type { InferenceStack } from '../rig/rig.ts';
import { addedBy, CALLS_A_ROUND, QUESTION, TOKENS, type Timed } from './model-call.ts';

const timesSchema = z.array(z.object({ firstMs: z.number(), totalMs: z.number() }));

/** Model calls of a job's program by its sidecar and the node's proxy, beside those of the same program to the Ollama itself. */
export async function measureInJob(own: InferenceStack, rounds: number): Promise<readonly Row[]> {
  await prepareTestToolsImage();
  const port = Number(new URL(own.ollamaUrl).port);
  await using sandbox = await openModelSandbox(own.ollamaUrl);
  const inJob = async (): Promise<string> => {
    const script = `#!/usr/bin/env python3\n${program('localhost', 11_434, own.contextTokens)}`;
    const { stdout, stderr } = await sandbox.run({ script, use_inference: true });
    return stdout || stderr;
  };
  const direct = async (): Promise<string> => {
    const text = program('127.0.0.1', port, own.contextTokens);
    const container = ['--network', 'host', '--entrypoint', 'python3', testSetting('toolsImage')];
    const env = { DOCKER_HOST: testSetting('dockerHost') };
    return (await execa('docker', ['run', '--rm', ...container, '-c', text], { env })).stdout;
  };
  const samples: Timed[][][] = [[], []];
  const sides = [inJob, direct].map((call, index): Side => {
    const sample = async (): Promise<number[]> => {
      const timed = timesSchema.parse(JSON.parse(await call()));
      samples[index]?.push(timed);
      return timed.map(({ firstMs }) => firstMs);
    };
    return { name: index === 0 ? 'in a job' : 'Ollama', sample };
  });
  const [first, other] = await interleave(rounds, sides);
  const [ours = [], others = []] = samples.map((rows) => rows.slice(1)); // the first round warms up
  if (first === undefined || other === undefined) return [];
  const head = { section: 'inference', unit: 'ms' } as const;
  const added = 'Added by the sidecar and the proxy of the node';
  return [
    compared({ ...head, what: "First token of a job's model call" }, first, other),
    single({ ...head, what: `${added} to the first token` }, 'in a job', addedBy(ours, others, 'firstMs')),
    single(
      { ...head, what: `${added} to the whole call, ${String(TOKENS)} tokens` },
      'in a job',
      addedBy(ours, others, 'totalMs'),
    ),
  ];
}

/** Calls one after the other, each on a connection of its own, as scripts do. */
function program(host: string, port: number, contextTokens: number): string {
  const options = { num_predict: TOKENS, temperature: 0, seed: 1, num_ctx: contextTokens };
  const body = JSON.stringify({ model: TINY_MODEL, messages: QUESTION, stream: true, options });
  return `
import http.client, json, time
def call():
    began = time.perf_counter()
    connection = http.client.HTTPConnection("${host}", ${String(port)}, timeout=60)
    connection.request("POST", "/api/chat", '''${body}''')
    reply = connection.getresponse()
    assert reply.status == 200, reply.read()
    reply.readline()
    first = time.perf_counter() - began
    assert b'"done":true' in reply.read()
    return {"firstMs": first * 1000, "totalMs": (time.perf_counter() - began) * 1000}
print(json.dumps([call() for _ in range(${String(CALLS_A_ROUND)})]))
`;
}
