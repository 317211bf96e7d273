import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { RunResponse } from '../../contracts/jobs.ts';
import { TINY_MODEL } from '../../scripts/engines/tiny-model.ts';
import { startTestOllama, type TestOllama } from '../support/engines/ollama.ts';
import { buildNodeImage } from '../support/engines/tools-image.ts';
import { openModelSandbox } from './model-sandbox.ts';
import type { Sandbox } from './sandbox-harness.ts';

const PATIENCE_MS = 120_000;

const replySchema = z.object({ message: z.object({ content: z.string() }), done: z.boolean() });

let resources: AsyncDisposableStack;
let ollama: TestOllama;
let sandbox: Sandbox;
beforeAll(async () => {
  resources = new AsyncDisposableStack();
  ollama = resources.use(await startTestOllama());
  sandbox = resources.use(await openModelSandbox(ollama.url));
}, PATIENCE_MS);
afterAll(() => resources.disposeAsync());

const QUESTION = {
  model: TINY_MODEL,
  messages: [{ role: 'user', content: 'What is the capital of France?' }],
  options: { num_predict: 12, temperature: 0 },
};

function run(script: string, image?: string): Promise<RunResponse> {
  return sandbox.run({ script, use_inference: true, ...(image !== undefined && { image }) });
}

/** What a job printed, one JSON text a line. */
function repliesIn({ stdout, stderr, exit_code: exitCode }: RunResponse): z.infer<typeof replySchema>[] {
  expect([exitCode, stderr]).toEqual([0, '']);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => replySchema.parse(JSON.parse(line)));
}

function body(stream: boolean): string {
  return JSON.stringify({ ...QUESTION, stream });
}

describe('a job in the default image asks a real model', () => {
  it('with curl, whole and streamed', async () => {
    const ask = (stream: boolean): string =>
      `#!/bin/bash\ncurl -sS -N --fail http://localhost:11434/api/chat -d '${body(stream)}'`;
    const [whole, ...none] = repliesIn(await run(ask(false)));
    expect(whole?.message.content).toContain('Paris');
    expect(none).toEqual([]);
    const pieces = repliesIn(await run(ask(true)));
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.at(-1)?.done).toBe(true);
    expect(pieces.map((piece) => piece.message.content).join('')).toBe(whole?.message.content);
  });

  it('with Python, whole and streamed, each piece as it comes', async () => {
    const script = `#!/usr/bin/env python3
import json, os, urllib.request
def ask(body):
    request = urllib.request.Request(os.environ["OLLAMA_BASE_URL"] + "/api/chat", data=body.encode())
    return urllib.request.urlopen(request, timeout=60)
print(ask('''${body(false)}''').read().decode())
pieces = [json.loads(line) for line in ask('''${body(true)}''')]
print(json.dumps({"done": pieces[-1]["done"], "message": {"content": "".join(piece["message"]["content"] for piece in pieces)}}))
`;
    const [whole, streamed] = repliesIn(await run(script));
    expect(whole?.message.content).toContain('Paris');
    expect(streamed).toMatchObject({ done: true, message: whole?.message });
  });

  it('with the npm package ollama, whole and streamed', async () => {
    await using image = await buildNodeImage(['ollama', 'whatwg-fetch']);
    const script = `#!/usr/bin/env node
import { Ollama } from 'ollama';
const ollama = new Ollama({ host: process.env.OLLAMA_BASE_URL });
const question = ${JSON.stringify(QUESTION)};
const { message, done } = await ollama.chat(question);
console.log(JSON.stringify({ message, done }));
for await (const { message, done } of await ollama.chat({ ...question, stream: true }))
  console.log(JSON.stringify({ message, done }));
`;
    const [whole, ...pieces] = repliesIn(await run(script, image.name));
    expect(whole?.message.content).toContain('Paris');
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.map((piece) => piece.message.content).join('')).toBe(whole?.message.content);
  });

  it('and reaches nothing else: neither the host and what listens there, nor names, nor the world', async () => {
    const { port } = new URL(ollama.url);
    const script = `#!/usr/bin/env python3
import os, socket
def attempt(family, address):
    try:
        with socket.socket(family, socket.SOCK_STREAM) as each:
            each.settimeout(3)
            each.connect(address)
            return "connected"
    except OSError as error:
        return error.__class__.__name__ if error.errno is None else os.strerror(error.errno)
print(sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else ["lo"])
print(attempt(socket.AF_INET, ("127.0.0.1", 11434)))
print(attempt(socket.AF_INET, ("127.0.0.1", ${port})))
print(attempt(socket.AF_INET, ("172.17.0.1", ${port})))
print(attempt(socket.AF_INET, ("1.1.1.1", 443)))
try:
    socket.getaddrinfo("example.com", 443)
    print("resolved")
except socket.gaierror:
    print("no names")
listening = [line.split()[1] for path in ("tcp", "tcp6") for line in open("/proc/net/" + path) if line.split()[3] == "0A"]
print(listening)
`;
    const { stdout, stderr } = await run(script);
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      "['lo']",
      'connected',
      'Connection refused',
      'Network is unreachable',
      'Network is unreachable',
      'no names',
      "['0100007F:2CAA']",
      '',
    ]);
  });
});
